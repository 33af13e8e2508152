package whatsapp

import (
	"fmt"
	"strings"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
)

// person is one human of the desk.
type person struct {
	phone string // digits alone, as it was entered: who they are in our terms
	name  string
}

// staff is the humans of a desk.
type staff struct {
	people []person
	alike  map[string]int // place in people, by the number's usual form
}

func newStaff(given []*handoffv1.WhatsAppStaff) (staff, error) {
	s := staff{alike: map[string]int{}}
	for i, one := range given {
		phone := digits(one.GetPhone())
		if phone == "" {
			return s, fmt.Errorf("staff[%d].phone: enter the number with its country code, as in +4930123456", i)
		}
		if first, twice := s.alike[usual(phone)]; twice {
			return s, fmt.Errorf("staff[%d].phone: it is the same as that of staff[%d]", i, first)
		}
		s.alike[usual(phone)] = i
		s.people = append(s.people, person{phone, strings.TrimSpace(one.GetName())})
	}
	return s, nil
}

// find returns the human with a number, in whatever way WhatsApp writes it.
func (s *staff) find(phone string) (person, bool) {
	i, ok := s.alike[usual(digits(phone))]
	if !ok || phone == "" {
		return person{}, false
	}
	return s.people[i], true
}

// phones returns the numbers of all.
func (s *staff) phones() []string {
	list := make([]string, len(s.people))
	for i, p := range s.people {
		list[i] = p.phone
	}
	return list
}

// digits returns a number without its plus and whatever else it is written with.
func digits(phone string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, phone)
}

// usual returns a number in one form, where WhatsApp's ids differ from what is
// dialled: mobile numbers of Argentina (54 9 …), Mexico (52 1 …) and Brazil (a 9
// after the area code).
func usual(phone string) string {
	switch {
	case strings.HasPrefix(phone, "549") && len(phone) == 13:
		return "54" + phone[3:]
	case strings.HasPrefix(phone, "521") && len(phone) == 13:
		return "52" + phone[3:]
	case strings.HasPrefix(phone, "55") && len(phone) == 13 && phone[4] == '9':
		return phone[:4] + phone[5:]
	default:
		return phone
	}
}
