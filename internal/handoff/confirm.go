package handoff

// Confirmer lets humans see, at their provider's, what became of what they said and
// did there. It must not block; what it cannot show, or has no room for, it drops.
type Confirmer interface {
	// Confirm is called once for each thing that a provider told, after it is on disk;
	// late tells that it came after the session's end, so that it did nothing. What
	// did nothing and is no message counts as new each time.
	Confirm(s Session, in Inbound, late bool)
}

// confirm lets a human see what became of what they did, unless it is a repeat.
func (svc *Service) confirm(s *Session, in Inbound, late bool) {
	if svc.confirmer != nil && s.Repeat == nil {
		svc.confirmer.Confirm(*s, in, late)
	}
}
