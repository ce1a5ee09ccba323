package resource

// Limits bound what a body may ask for. The zero value means the defaults.
type Limits struct {
	Depth      int // nested arrays and objects; default 32
	Operations int // of one PATCH; default 1000
}

func (l Limits) depth() int {
	if l.Depth > 0 {
		return l.Depth
	}
	return 32
}

func (l Limits) operations() int {
	if l.Operations > 0 {
		return l.Operations
	}
	return 1000
}
