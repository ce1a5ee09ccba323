package backup

import "regexp"

// An upgrade makes of a document of one format one of the next. It works on the tree
// that [parse] returns, before anything decodes it, so that the types are those of the
// present format only. Faults are told by the places in the upgraded document.
type upgrade struct {
	from, to string
	change   func(root *node)
}

// upgrades are those there are, the oldest first. Of the first format that was
// published there is nothing older: the list is for its successors. A golden file of
// each format under testdata holds them to reading it for ever.
func upgrades() []upgrade { return nil }

// upgrade brings a document of an older format to the present one.
func (n *node) upgrade(all []upgrade) {
	for _, u := range all {
		if format := n.below("format"); n.kind == jsonObject && format != nil && format.kind == jsonText && format.text == u.from {
			u.change(n)
			format.text = u.to
		}
	}
}

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
