package backup

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/scimcrowd/scimcrowd/mapping"
)

// extensions checks the declarations of schema extensions. Names are compared as
// SCIM compares them: case does not matter (RFC 7643 section 2.1).
func (k *checker) extensions(all []Extension, pointer string) {
	taken := map[string]string{
		"urn:ietf:params:scim:schemas:core:2.0:user":  "of the core schema",
		"urn:ietf:params:scim:schemas:core:2.0:group": "of the core schema",
	}
	for i, e := range all {
		if by := taken[strings.ToLower(e.ID)]; by != "" {
			k.faults.add(fmt.Sprintf("%s/%d/id", pointer, i), "the URN is that "+by+" already", "Give each extension a URN of its own")
		} else if e.ID != "" {
			taken[strings.ToLower(e.ID)] = fmt.Sprintf("of extension %d", i)
		}
	}
	for i, e := range all {
		at := fmt.Sprintf("%s/%d/attributes", pointer, i)
		k.neighbours(e.Attributes, at)
		for j := range e.Attributes {
			k.extensionAttribute(&e, &e.Attributes[j], taken, fmt.Sprintf("%s/%d", at, j))
		}
	}
}

// unclear returns, in lower case, how paths begin that lead into an extension whose
// declaration has faults. What is wrong with them may follow from that.
func (k *checker) unclear(all []Extension, pointer string) []string {
	var beginnings []string
	for i, e := range all {
		within := func(f mapping.Fault) bool {
			at := fmt.Sprintf("%s/%d", pointer, i)
			return f.Pointer == at || strings.HasPrefix(f.Pointer, at+"/")
		}
		if slices.ContainsFunc(k.before, within) || slices.ContainsFunc(k.faults.list, within) {
			beginnings = append(beginnings, strings.ToLower(cmp.Or(e.ID, "urn:")))
		}
	}
	return beginnings
}

// neighbours refuses names that stand there twice.
func (k *checker) neighbours(all []ExtensionAttribute, pointer string) {
	first := map[string]int{}
	for i, a := range all {
		name := strings.ToLower(a.Name)
		if j, taken := first[name]; taken && name != "" {
			k.faults.add(fmt.Sprintf("%s/%d/name", pointer, i), fmt.Sprintf("the name %s is that of attribute %d already", quote(a.Name), j), "Give each a name of its own; case does not matter")
			continue
		}
		first[name] = i
	}
}

func (k *checker) extensionAttribute(e *Extension, a *ExtensionAttribute, taken map[string]string, pointer string) {
	if taken[strings.ToLower(e.ID+":"+a.Name)] != "" {
		k.faults.add(pointer+"/name", "together with the URN it is the URN of another extension", "Give one of them another name")
	}
	k.traits(a, pointer)
	switch {
	case a.Type == typeComplex && len(a.SubAttributes) == 0:
		k.faults.add(pointer+"/subAttributes", "a complex attribute needs some", `Add "subAttributes": [{"name": "value"}], or write another type`)
	case a.Type != typeComplex && a.SubAttributes != nil:
		k.faults.add(pointer+"/subAttributes", "only a complex attribute has some", `Write "type": "complex", or leave them out`)
	}
	k.neighbours(a.SubAttributes, pointer+"/subAttributes")
	for i := range a.SubAttributes {
		sub, at := &a.SubAttributes[i], fmt.Sprintf("%s/subAttributes/%d", pointer, i)
		k.traits(sub, at)
		if sub.Type == typeComplex {
			k.faults.add(at+"/type", "a sub-attribute cannot be complex", "Write a simple type, or declare an attribute of its own")
		}
		if sub.SubAttributes != nil {
			k.faults.add(at+"/subAttributes", "a sub-attribute has none of its own", "Leave them out")
		}
	}
}

// traits refuses characteristics that contradict each other.
func (k *checker) traits(a *ExtensionAttribute, pointer string) {
	if a.Required && a.Mutability == readOnly {
		k.faults.add(pointer+"/required", "nobody can send what is read-only", `Leave required out, or write another mutability`)
	}
	if a.Mutability == writeOnly && a.Returned != "" && a.Returned != returnedNever {
		k.faults.add(pointer+"/returned", "what is write-only is never returned", `Write "never", or leave it out`)
	}
	if a.ReferenceTypes != nil && a.Type != typeReference {
		k.faults.add(pointer+"/referenceTypes", "only an attribute of type reference has some", `Write "type": "reference", or leave them out`)
	}
	if a.Type == typeComplex && a.CanonicalValues != nil {
		k.faults.add(pointer+"/canonicalValues", "a complex attribute has none, its sub-attributes have", "Move them to the sub-attribute")
	}
	if a.Type == typeComplex && a.CaseExact {
		k.faults.add(pointer+"/caseExact", "a complex attribute has no case, its sub-attributes have", "Move it to the sub-attribute")
	}
}
