package store

// SetMaxUnsaved changes how many places in the order of changes memory alone keeps.
func SetMaxUnsaved(s *Store, n int) {
	s.places.mu.Lock()
	defer s.places.mu.Unlock()
	s.places.max = n
}
