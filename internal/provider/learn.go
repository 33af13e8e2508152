package provider

// Learner is an [Adapter] that lacks a setting which its vendor's webhooks tell, and
// works once one of them has come.
type Learner interface {
	// Learns returns the values of settings that are empty and that a genuine webhook
	// tells, by the names of their fields; nil for any other. The core keeps them,
	// unless another connection to the same account has the same, and has the
	// connection checked. It is pure.
	Learns(r Request) map[string]string
}

// Learns is the adapter's [Learner]; one that is none learns nothing.
func (c *Conn) Learns(r Request) map[string]string {
	l, ok := c.adapter.(Learner)
	if !ok {
		return nil
	}
	learnt, err := contained(c, "learn", func() (map[string]string, error) { return l.Learns(r), nil })
	if err != nil {
		return nil
	}
	return learnt
}
