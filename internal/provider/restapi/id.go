package restapi

import (
	"bytes"
	"strings"
)

// ID is an identifier in a vendor's JSON. Vendors write the same id as a number in
// one place and as text in another. null, 0 and what is no id are the empty one.
type ID string

// UnmarshalJSON implements json.Unmarshaler. It never fails.
func (i *ID) UnmarshalJSON(data []byte) error {
	text := strings.Trim(string(bytes.TrimSpace(data)), `"`)
	if text == "null" || text == "0" || strings.ContainsAny(text, `{[\`) {
		text = ""
	}
	*i = ID(text)
	return nil
}
