package qiyu

import (
	"encoding/json"
	"path"
	"strings"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider/restapi"
)

// The bodies of QiYu's answers and pushes, as far as we look at them. What is not
// known is ignored.

// answer is that to any call.
type answer struct {
	Code    *int   `json:"code"`
	Message string `json:"message"`

	Count     *int32     `json:"count"` // of those who wait before; -1 = the customer is served
	SessionID restapi.ID `json:"sessionId"`
	StaffName string     `json:"staffName"`
	StaffType *staffType `json:"staffType"`
	URL       string     `json:"url"` // of what was uploaded
}

// staffType tells a robot from a human.
type staffType int

const (
	robot staffType = 0
	human staffType = 1
)

// UnmarshalJSON implements json.Unmarshaler: the number may come as text.
func (s *staffType) UnmarshalJSON(data []byte) error {
	return json.Unmarshal([]byte(strings.Trim(string(data), `"`)), (*int)(s))
}

// The types of messages that are written or looked at.
const (
	typeText    = "TEXT"
	typePicture = "PICTURE"
)

// push is the body of every event that is looked at.
type push struct {
	UID       restapi.ID `json:"uid"`
	StaffID   restapi.ID `json:"staffId"`
	StaffName string     `json:"staffName"`
	StaffType *staffType `json:"staffType"` // nil = it does not say

	// Of a message.
	MsgID     restapi.ID      `json:"msgId"`
	MsgType   string          `json:"msgType"`
	Content   json.RawMessage `json:"content"`
	TimeStamp restapi.ID      `json:"timeStamp"`

	// Of a start or an end.
	SessionID   restapi.ID      `json:"sessionId"`
	CloseReason *closeReason    `json:"closeReason"`
	TransferTo  json.RawMessage `json:"transferTo"`
}

// closeReason says why a session ended at QiYu's.
type closeReason int

// The reasons that are documented.
const (
	closedByStaff     closeReason = 0
	closedAsSilent    closeReason = 2
	closedForHuman    closeReason = 3 // a robot handed over to a human
	closedAsStaffLeft closeReason = 4
	closedForTransfer closeReason = 5
)

// UnmarshalJSON implements json.Unmarshaler: the number may come as text.
func (c *closeReason) UnmarshalJSON(data []byte) error {
	return json.Unmarshal([]byte(strings.Trim(string(data), `"`)), (*int)(c))
}

// content is that of a message that is no text.
type content struct {
	URL  string `json:"url"`
	Name string `json:"name"`
	Size int64  `json:"size"`
}

// file returns the content as a file; false if it is none. Pictures have no names,
// so they get that of their address.
func (c content) file(msgType string) (handoff.RemoteFile, bool) {
	if !strings.HasPrefix(c.URL, "http://") && !strings.HasPrefix(c.URL, "https://") {
		return handoff.RemoteFile{}, false
	}
	name := c.Name
	if name == "" {
		address, _, _ := strings.Cut(c.URL, "?")
		if name = path.Base(address); !strings.Contains(name, ".") {
			name = strings.ToLower(msgType)
		}
	}
	return handoff.RemoteFile{Name: name, Size: max(c.Size, 0), URL: c.URL}, true
}
