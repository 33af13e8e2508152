package wecom

import (
	"bytes"
	"encoding/xml"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

// envelope is the body of a call to the receive URL.
type envelope struct {
	XMLName struct{} `xml:"xml"`
	Encrypt string   `xml:"Encrypt"`
}

// inner is what it holds, as far as we look at it.
type inner struct {
	XMLName      struct{} `xml:"xml"`
	From         string   `xml:"FromUserName"`
	Time         string   `xml:"CreateTime"`
	Type         string   `xml:"MsgType"`
	ID           string   `xml:"MsgId"`
	App          string   `xml:"AgentID"`
	Content      string   `xml:"Content"`
	Title        string   `xml:"Title"`
	Description  string   `xml:"Description"`
	URL          string   `xml:"Url"`
	X            string   `xml:"Location_X"` // latitude
	Y            string   `xml:"Location_Y"`
	Label        string   `xml:"Label"`
	Event        string   `xml:"Event"`
	EventKey     string   `xml:"EventKey"`
	TaskID       string   `xml:"TaskId"`
	ResponseCode string   `xml:"ResponseCode"`
}

// sealed returns the signed and encrypted part of a request.
func sealed(r provider.Request) (encrypted string, query url.Values, err error) {
	query, err = url.ParseQuery(r.Query)
	if err != nil {
		return "", nil, errors.New("the query makes no sense")
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		// A plus that the vendor left as it is has become a space.
		return strings.ReplaceAll(query.Get("echostr"), " ", "+"), query, nil
	}
	var e envelope
	if err := xml.Unmarshal(r.Body, &e); err != nil {
		return "", nil, errors.New("the body is not WeCom's XML")
	}
	return strings.TrimSpace(e.Encrypt), query, nil
}

// Verify implements provider.Adapter: signature, decryption and whom it is for. Its
// timestamp is not judged, for the vendor repeats a call with its first one.
func (a *Adapter) Verify(r provider.Request) error {
	encrypted, query, err := sealed(r)
	if err != nil {
		return err
	}
	if encrypted == "" || !a.crypt.signed(query.Get("msg_signature"), query.Get("timestamp"), query.Get("nonce"), encrypted) {
		return errors.New("msg_signature does not match; is token the Token of the app's message callback?")
	}
	_, err = a.crypt.open(encrypted)
	return err
}

func invalid(format string, args ...any) error {
	return handoff.Errorf(handoff.CodeInvalid, "INVALID_BODY", format, args...)
}

// read opens a request that was verified.
func (a *Adapter) read(r provider.Request) (*inner, error) {
	encrypted, _, err := sealed(r)
	if err != nil {
		return nil, invalid("%v", err)
	}
	plain, err := a.crypt.open(encrypted)
	if err != nil {
		return nil, invalid("%v", err)
	}
	var in inner
	if err := unmarshal(plain, &in); err != nil {
		return nil, invalid("what is encrypted is not WeCom's XML")
	}
	if in.From == "" || in.Type == "" {
		return nil, invalid("the message has no FromUserName or MsgType")
	}
	return &in, nil
}

// strange begins the characters that stand for control characters while XML is read,
// which has none of them: people paste anything.
const strange = 0x10F000

// unmarshal reads XML and keeps all characters as they are.
func unmarshal(text []byte, into *inner) error {
	text = bytes.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' {
			return strange + r
		}
		return r
	}, bytes.ToValidUTF8(text, []byte("\uFFFD")))
	if err := xml.Unmarshal(text, into); err != nil {
		return err
	}
	for _, field := range []*string{&into.Content, &into.Title, &into.Description, &into.Label} {
		*field = strings.Map(func(r rune) rune {
			if r >= strange && r < strange+' ' {
				return r - strange
			}
			return r
		}, *field)
	}
	return nil
}

// People implements provider.Introducer.
func (a *Adapter) People(r provider.Request) []string {
	if r.Method != http.MethodPost {
		return nil
	}
	in, err := a.read(r)
	if err != nil {
		return nil
	}
	person, ok := a.desk.find(in.From)
	if _, says := a.said(in, person, ""); !ok || !says {
		return nil
	}
	return []string{person}
}

// Parse implements provider.Adapter.
func (a *Adapter) Parse(r provider.Request) (provider.Reply, []handoff.Inbound, error) {
	if r.Method != http.MethodPost {
		encrypted, _, err := sealed(r)
		if err != nil {
			return provider.Reply{}, nil, invalid("%v", err)
		}
		echo, err := a.crypt.open(encrypted)
		if err != nil {
			return provider.Reply{}, nil, invalid("%v", err)
		}
		return provider.Reply{Status: http.StatusOK, ContentType: "text/plain", Body: echo}, nil, nil
	}
	in, err := a.read(r)
	if err != nil {
		return provider.Reply{}, nil, err
	}
	reply := provider.Reply{Status: http.StatusOK, Always: true}
	person, ok := a.desk.find(in.From)
	if !ok || in.App != strconv.FormatInt(a.app, 10) {
		return reply, nil, nil
	}
	said, ok := a.said(in, person, r.Names[person])
	if !ok {
		return reply, nil, nil
	}
	return reply, []handoff.Inbound{{Key: in.key(), VendorID: in.vendorID(), Body: said}}, nil
}

// key is the same for each repeat. Events have no id of their own.
func (in *inner) key() string {
	if in.ID != "" {
		return "message:" + in.ID
	}
	return unique("event", in.From, in.Time, in.Event, in.EventKey, in.TaskID)
}

// vendorID is what an answer refers to: a card that was pressed, or the message.
func (in *inner) vendorID() string {
	if in.ResponseCode != "" {
		return cardPrefix + in.ResponseCode
	}
	return in.ID
}

// said returns what a member said; false if it was nothing.
func (a *Adapter) said(in *inner, person, name string) (handoff.PersonSaid, bool) {
	said := handoff.PersonSaid{Person: person, Name: name, Locale: a.language, Stays: true}
	switch in.Type {
	case "text":
		said.Text = in.Content
	case "location":
		lines := []string{"📍"}
		if in.Label != "" {
			lines = append(lines, in.Label)
		}
		said.Text = strings.Join(append(lines, "https://uri.amap.com/marker?position="+url.QueryEscape(in.Y+","+in.X)), "\n")
	case "link":
		said.Text = strings.TrimSpace(strings.Join([]string{in.Title, in.Description, in.URL}, "\n"))
	case "event":
		said.Button = in.EventKey
		return said, in.Event == "template_card_event" && said.Button != ""
	default:
		said.Unreadable = true
	}
	return said, true
}
