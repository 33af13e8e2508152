package providertest

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/emulator"
)

// able is a vendor, its kind and its adapter in one. It carries pictures, typing and
// read receipts, which none of the providers may do; so that the cases for them run.
type able struct {
	provider.Kind
	provider.Adapter
	emulator.Emulator

	address  string
	files    provider.Files
	sessions map[string]*emulator.Session
	sent     map[string]string // contents of the human's files, by path
}

const token = "a token that nobody else has"

// able's parts have methods of one name, so each part is a type of its own.
type (
	ableKind    struct{ *able }
	ableAdapter struct{ *able }
	ableVendor  struct{ *able }
)

func (k ableKind) Describe() provider.Descriptor {
	return provider.Descriptor{Name: "able", Capabilities: handoff.Capabilities{
		Attachments: true, AttachmentTypes: []string{"image/"}, Typing: true, ReadReceipts: true,
	}}
}
func (k ableKind) Account(proto.Message) (string, error) { return k.address, nil }
func (k ableKind) Missing(proto.Message) []string        { return nil }
func (k ableKind) Open(_ proto.Message, d provider.Deps) (provider.Adapter, error) {
	k.files = d.Files
	return ableAdapter(k), nil
}

func (a ableAdapter) Verify(provider.Request) error { return nil }

func (a ableAdapter) Open(_ context.Context, c provider.Call, _ handoff.Start) (handoff.Ref, error) {
	id := "ref " + c.SessionID
	a.sessions[id] = &emulator.Session{ID: id}
	return handoff.Ref{ID: id}, nil
}

func (a ableAdapter) Send(ctx context.Context, c provider.Call, m handoff.Message) (string, error) {
	s := a.sessions[c.Ref.ID]
	s.Lines = append(s.Lines, emulator.Line{From: emulator.FromCustomer, Text: m.Text})
	for _, file := range m.Attachments {
		content, err := a.files.Content(ctx, file)
		if err != nil {
			return "", err
		}
		text, err := io.ReadAll(content)
		if err != nil {
			return "", err
		}
		s.Files = append(s.Files, emulator.File{Name: file.Name, Content: string(text)})
	}
	return "", nil
}

func (a ableAdapter) Typing(_ context.Context, c provider.Call, active bool) error {
	a.sessions[c.Ref.ID].Typing = active
	return nil
}

func (a ableAdapter) Read(_ context.Context, c provider.Call) error {
	a.sessions[c.Ref.ID].Read = true
	return nil
}

// notice is what the vendor's webhooks say.
type notice struct {
	Ref string       `json:"ref"`
	Act emulator.Act `json:"act"`
}

func (a ableAdapter) Parse(r provider.Request) (provider.Reply, []handoff.Inbound, error) {
	var w notice
	if err := json.Unmarshal(r.Body, &w); err != nil {
		return provider.Reply{}, nil, err
	}
	in := handoff.Inbound{Ref: w.Ref, Key: "key"}
	switch w.Act.Kind {
	case emulator.Attach:
		in.Body = handoff.HumanMessage{Text: w.Act.Text, Files: []handoff.RemoteFile{
			{Name: w.Act.File.Name, URL: w.Act.File.URL, Header: map[string]string{"Authorization": token}},
		}}
	case emulator.Type, emulator.Rest:
		in.Body = handoff.HumanTyping{Active: w.Act.Kind == emulator.Type}
	default:
		return provider.Reply{}, nil, emulator.ErrLacks
	}
	return provider.Reply{Status: http.StatusOK}, []handoff.Inbound{in}, nil
}

// ServeHTTP gives the human's files to those with the token.
func (v ableVendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != token {
		w.WriteHeader(http.StatusUnauthorized)
	}
	_, _ = io.WriteString(w, v.sent[r.URL.Path])
}

func (v ableVendor) Config(address string) proto.Message {
	v.address = address
	return &handoffv1.WebhookConfig{Password: token}
}

func (v ableVendor) Sessions() (all []emulator.Session) {
	for _, s := range v.sessions {
		all = append(all, *s)
	}
	return all
}

func (v ableVendor) Do(session string, a emulator.Act) ([]provider.Request, error) {
	if a.File != nil {
		v.sent["/file"] = a.File.Content
		a.File.URL = v.address + "/file"
	}
	body, err := json.Marshal(notice{session, a})
	return []provider.Request{{Method: http.MethodPost, Body: body}}, err
}

func TestAnAbleVendor(t *testing.T) {
	for name, test := range map[string]func(*env){
		"files": filesArrive, "human's file": humanFile, "typing": customerTypes, "read": customerReads, "human types": humanTypes,
	} {
		t.Run(name, func(t *testing.T) {
			a := &able{sessions: map[string]*emulator.Session{}, sent: map[string]string{}}
			e := newEnv(t, Harness{Kind: ableKind{a}, Traits: emulator.Traits{New: func(handoff.Clock) emulator.Emulator { return ableVendor{a} }}})
			test(e)
			e.assertNoLeak(t)
			require.Empty(t, e.why, "it does without nothing")
			shown := 0
			for _, s := range a.sessions {
				shown += len(s.Files)
			}
			require.Equal(t, name == "files", shown == 2, "the pictures went as files, all else as links")
		})
	}
}
