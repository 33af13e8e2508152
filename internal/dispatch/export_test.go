package dispatch

// Holds tells how many lanes there are, how many bytes they have in memory and
// how many alarms are set.
func (d *Dispatcher) Holds() (lanes, bytes, alarms int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.lanes), d.bytes, d.alarms.Len()
}
