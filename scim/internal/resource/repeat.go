package resource

// unrepeated takes values out of a list that say nothing new: a combination of value and type should not be returned
// more than once (RFC 7643 section 2.4). What else they say goes to the first of its kind; where the two contradict each
// other both stay, so that nothing is lost.
func unrepeated(a *attribute, list []any) []any {
	if !a.kinds() || len(list) < 2 {
		return list
	}
	first := make(map[string]map[string]any, len(list))
	kept := make([]any, 0, len(list))
	for _, v := range list {
		m, ok := v.(map[string]any)
		if !ok || m["value"] == nil {
			kept = append(kept, v)
			continue
		}
		key := typedKey(a.key(m), m)
		if into := first[key]; into == nil {
			first[key] = m
		} else if agree(into, m) {
			enrichMissing(into, m)
			continue
		}
		kept = append(kept, v)
	}
	return kept
}

// agree reports whether two values of one kind contradict each other in nothing else, which of them is preferred aside.
func agree(a, b map[string]any) bool {
	for name, v := range b {
		old, ok := a[name]
		if ok && name != "value" && name != "type" && name != "primary" && !same(old, v) {
			return false
		}
	}
	return true
}

// enrichMissing puts into a value what another one of its kind says besides.
func enrichMissing(into, m map[string]any) {
	for name, v := range m {
		if _, ok := into[name]; !ok || (name == "primary" && v == true) {
			into[name] = v
		}
	}
}
