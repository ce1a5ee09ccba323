package backup

import "regexp"

// There is one format of documents, and none older that was ever published. A later
// one is to read this one too: the tree of values that [parse] returns is where an older
// document is brought to the form of the next, before anything decodes it, and a golden
// file of each format holds that to it.

// formatName is the form of the names that formats have.
var formatName = regexp.MustCompile(`^scimcrowd/v([1-9][0-9]{0,5})$`)

// otherFormat notes that a document is of another format, and reports whether. What
// else is wrong with it by the rules of this format is not told then, since they are
// not its own.
func otherFormat(root *node, f *faults) bool {
	if root.kind != jsonObject {
		return false
	}
	for _, m := range root.members {
		text := m.value.text
		if m.name != "format" || m.value.kind != jsonText || text == Format || text == "" || len(text) > maxText {
			continue // of this format, or wrong in a way that is told of any setting
		}
		problem := quote(text) + " is no version that is known here"
		if formatName.MatchString(text) {
			problem = quote(text) + " is a later version than is known here"
		}
		f.add("/format", problem, "Write "+quote(Format)+", or use a program that knows that version")
		return true
	}
	return false
}
