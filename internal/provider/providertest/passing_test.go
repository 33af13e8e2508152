package providertest

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

// able is a vendor, its kind and its adapter in one. It carries pictures, typing and
// read receipts, which none of the providers may do; so that the cases for them run.
type able struct {
	provider.Kind
	provider.Adapter
	Vendor

	server   *Server
	files    provider.Files
	sessions map[string]*Session
	typing   map[string]bool
	read     map[string]bool
	sent     map[string]string // contents of the human's files, by path
}

func (a *able) Describe() provider.Descriptor {
	return provider.Descriptor{Name: "able", Capabilities: handoff.Capabilities{
		Attachments: true, AttachmentTypes: []string{"image/"}, Typing: true, ReadReceipts: true,
	}}
}
func (a *able) Account(proto.Message) (string, error) { return a.server.URL(), nil }
func (a *able) Missing(proto.Message) []string        { return nil }
func (a *able) Server() *Server                       { return a.server }
func (a *able) Config() proto.Message                 { return &handoffv1.WebhookConfig{Password: token} }
func (a *able) Verify(provider.Request) error         { return nil }

func (a *able) Session(c provider.Call) (Session, bool) {
	s, ok := a.sessions[c.SessionID]
	if !ok {
		return Session{}, false
	}
	return *s, true
}

const token = "a token that nobody else has"

// able's parts have methods of one name, so each part is a type of its own.
type (
	ableKind    struct{ *able }
	ableAdapter struct{ *able }
	ableVendor  struct{ *able }
)

func (k ableKind) Open(_ proto.Message, d provider.Deps) (provider.Adapter, error) {
	k.files = d.Files
	return ableAdapter(k), nil
}

func (a ableAdapter) Check(context.Context) error { return nil }

func (a ableAdapter) Open(_ context.Context, c provider.Call, _ handoff.Start) (handoff.Ref, error) {
	a.sessions[c.SessionID] = &Session{}
	return handoff.Ref{ID: "ref " + c.SessionID}, nil
}

func (a ableAdapter) Send(ctx context.Context, c provider.Call, m handoff.Message) (string, error) {
	s := a.sessions[c.SessionID]
	s.Messages = append(s.Messages, m.Text)
	for _, file := range m.Attachments {
		content, err := a.files.Content(ctx, file)
		if err != nil {
			return "", err
		}
		text, err := io.ReadAll(content)
		if err != nil {
			return "", err
		}
		s.Files = append(s.Files, File{Name: file.Name, Content: string(text)})
	}
	return "", nil
}

func (a ableAdapter) Close(context.Context, provider.Call, handoff.CloseReason) error { return nil }

func (a ableAdapter) Typing(_ context.Context, c provider.Call, active bool) error {
	a.typing[c.SessionID] = active
	return nil
}

func (a ableAdapter) Read(_ context.Context, c provider.Call) error {
	a.read[c.SessionID] = true
	return nil
}

// wire is what the vendor's webhooks say.
type wire struct {
	Ref    string `json:"ref"`
	Text   string `json:"text"`
	Name   string `json:"name"`
	URL    string `json:"url"`
	Typing *bool  `json:"typing"`
}

func (a ableAdapter) Parse(r provider.Request) (provider.Reply, []handoff.Inbound, error) {
	var w wire
	if err := json.Unmarshal(r.Body, &w); err != nil {
		return provider.Reply{}, nil, err
	}
	in := handoff.Inbound{Ref: w.Ref, Key: "key", Body: handoff.HumanRead{}}
	switch {
	case w.URL != "":
		in.Body = handoff.HumanMessage{Text: w.Text, Files: []handoff.RemoteFile{
			{Name: w.Name, URL: w.URL, Header: map[string]string{"Authorization": token}},
		}}
	case w.Typing != nil:
		in.Body = handoff.HumanTyping{Active: *w.Typing}
	}
	return provider.Reply{Status: http.StatusOK}, []handoff.Inbound{in}, nil
}

func (w wire) request(c provider.Call) provider.Request {
	w.Ref = c.Ref.ID
	body, _ := json.Marshal(w) // strings
	return provider.Request{Method: http.MethodPost, Body: body}
}

func (v ableVendor) HumanFile(c provider.Call, text string, f File) provider.Request {
	v.sent["/"+c.SessionID+text] = f.Content
	return wire{Text: text, Name: f.Name, URL: v.server.URL() + "/" + c.SessionID + strings.ReplaceAll(text, " ", "%20")}.request(c)
}
func (v ableVendor) Typing(c provider.Call) bool { return v.typing[c.SessionID] }
func (v ableVendor) Read(c provider.Call) bool   { return v.read[c.SessionID] }
func (v ableVendor) HumanTyping(c provider.Call, active bool) (provider.Request, bool) {
	return wire{Typing: &active}.request(c), true
}

func (v ableVendor) HumanRead(c provider.Call) (provider.Request, bool) {
	return wire{}.request(c), true
}

func newAble(t *testing.T) *able {
	t.Helper()
	a := &able{sessions: map[string]*Session{}, typing: map[string]bool{}, read: map[string]bool{}, sent: map[string]string{}}
	a.server = NewServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != token {
			w.WriteHeader(http.StatusUnauthorized)
		}
		_, _ = io.WriteString(w, a.sent[r.URL.Path])
	}))
	return a
}

func TestAnAbleVendor(t *testing.T) {
	for name, test := range map[string]func(*env){"files": filesArrive, "human's files": humanFiles, "typing": typing, "read": read} {
		t.Run(name, func(t *testing.T) {
			a := newAble(t)
			e := newEnv(t, Harness{Kind: ableKind{a}, NewVendor: func(*testing.T, handoff.Clock) Vendor { return ableVendor{a} }})
			test(e)
			e.assertNoLeak(t)
			shown := 0
			for _, s := range a.sessions {
				shown += len(s.Files)
			}
			require.Equal(t, name == "files", shown == 2, "the pictures went as files, all else as links")
		})
	}
}
