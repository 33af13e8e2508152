package intercom

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/richtext"
)

const stateClosed = "closed"

// told returns what parts of a conversation tell us. It does not depend on how we
// learnt of them: a webhook and a later look give the same, with the same keys.
func told(conversationID string, teammates []author, parts []part, mayBeHTML bool) []handoff.Inbound {
	var all []handoff.Inbound
	add := func(kind string, p part, vendorID string, body handoff.InboundBody) {
		all = append(all, handoff.Inbound{Ref: conversationID, Key: kind + ":" + string(p.ID), VendorID: vendorID, Body: body})
	}
	for _, p := range parts {
		if p.ID == "" {
			continue
		}
		if name := joined(p, teammates); name != "" {
			add("joined", p, "", handoff.HumanJoined{Name: name})
		}
		if text, files := said(p, mayBeHTML); text != "" || len(files) > 0 {
			add("part", p, string(p.ID), handoff.HumanMessage{AuthorName: p.Author.Name, Text: text, Files: files})
		}
		if p.PartType == typeClose {
			add("closed", p, "", handoff.HumanClosed{})
		}
	}
	return all
}

// said is what a teammate says to the customer in a part, and sends; empty if
// nothing. The type of the part does not tell: an answer that also assigns, reopens
// or closes has the type of that. Bots and agents of Intercom's are no humans, and
// notes are for teammates. The addresses of files are signed and soon expire.
func said(p part, mayBeHTML bool) (text string, files []handoff.RemoteFile) {
	if p.Author.Type != byAdmin || p.Author.FromAIAgent || p.PartType == typeNote {
		return "", nil
	}
	for _, file := range p.Attachments {
		if file.URL != "" {
			files = append(files, handoff.RemoteFile{Name: file.Name, MIMEType: file.ContentType, URL: file.URL})
		}
	}
	return provider.Cut(plainBody(p.Body, mayBeHTML)), files
}

// plainBody returns a body as text. Webhooks have HTML or plain text, as the
// app's version of the API says.
func plainBody(body string, mayBeHTML bool) string {
	if !mayBeHTML || !richtext.IsHTML(body) {
		if strings.TrimSpace(body) == "" {
			return ""
		}
		return body
	}
	text := richtext.FromHTML(body)
	for _, address := range richtext.Images(body) {
		text = strings.TrimPrefix(text+"\n"+address, "\n")
	}
	return text
}

// joined is the name of the teammate that a part assigns the conversation to. One
// of whom only the id is known is not announced.
func joined(p part, teammates []author) string {
	to := p.AssignedTo
	if to == nil || to.ID == "" || to.Type != byAdmin {
		return ""
	}
	if to.Name != "" {
		return to.Name
	}
	if to.ID == p.Author.ID {
		return p.Author.Name
	}
	for _, t := range teammates {
		if t.ID == to.ID {
			return t.Name
		}
	}
	return ""
}

// hasHTML reports whether the bodies of a webhook may be HTML, which depends on the
// version of the API that the app is set to. Its dates are numbers since the version
// in which bodies became plain text; without any date, the body itself decides.
func hasHTML(statistics json.RawMessage) bool {
	var dates map[string]json.RawMessage
	if json.Unmarshal(statistics, &dates) != nil {
		return true
	}
	for name, value := range dates {
		if strings.HasSuffix(name, "_at") && len(value) > 0 && !bytes.Equal(value, []byte("null")) {
			return value[0] == '"'
		}
	}
	return true
}

// Since implements provider.Reconciler.
func (a *Adapter) Since(ctx context.Context, c provider.Call, since time.Time) ([]handoff.Inbound, error) {
	got, err := a.client.conversation(ctx, c.Ref.ID)
	if isGone(err) {
		return []handoff.Inbound{gone(c.Ref.ID)}, nil
	}
	if err != nil {
		return nil, err
	}
	parts := slices.DeleteFunc(got.Parts.Parts, func(p part) bool { return p.CreatedAt < since.Unix() })
	all := told(c.Ref.ID, teammatesOf(got), parts, false)
	isClose := func(in handoff.Inbound) bool { _, ok := in.Body.(handoff.HumanClosed); return ok }
	if got.State == stateClosed && !slices.ContainsFunc(all, isClose) && len(parts) > 0 {
		all = append(all, handoff.Inbound{Ref: c.Ref.ID, Key: "closed:" + c.Ref.ID, Body: handoff.HumanClosed{}})
	}
	return all, nil
}

func teammatesOf(c conversation) []author {
	if c.Teammates == nil {
		return nil
	}
	return c.Teammates.Admins
}

// gone tells that a conversation was deleted.
func gone(conversationID string) handoff.Inbound {
	return handoff.Inbound{Ref: conversationID, Key: "deleted:" + conversationID, Body: handoff.HumanClosed{}}
}
