package chatwoot

import (
	"context"
	"io"
	"slices"
	"strconv"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/restapi"
)

// maxFiles is how many files Chatwoot takes with one message.
const maxFiles = 15

// piece is a message as Chatwoot takes it: one of ours, unless that has too many files.
type piece struct {
	key, text string
	files     []handoff.Attachment
}

func piecesOf(key string, m handoff.Message) []piece {
	if len(m.Attachments) == 0 {
		return []piece{{key: key, text: m.Text}}
	}
	var all []piece
	for files := range slices.Chunk(m.Attachments, maxFiles) {
		p := piece{key: key, files: files}
		if len(all) == 0 {
			p.text = m.Text
		} else {
			p.key += "/" + strconv.Itoa(len(all)+1)
		}
		all = append(all, p)
	}
	return all
}

// Send implements provider.Adapter. The id is that of the first piece.
func (a *Adapter) Send(ctx context.Context, c provider.Call, m handoff.Message) (string, error) {
	var there []message
	if c.Repeat {
		var err error
		if there, err = a.client.messages(ctx, c.Ref.ID, c.Time.Add(-skew)); err != nil {
			return "", err
		}
	}
	first := ""
	for i, p := range piecesOf(c.IdempotencyKey, m) {
		id, err := a.delivered(ctx, there, p)
		if err == nil && id == "" {
			id, err = a.put(ctx, c.Ref.ID, p)
		}
		if err != nil {
			return "", err
		}
		if i == 0 {
			first = id
		}
	}
	return first, nil
}

// put writes a piece and returns its id.
func (a *Adapter) put(ctx context.Context, conversationID string, p piece) (string, error) {
	if len(p.files) == 0 {
		return a.client.say(ctx, conversationID, p.key, p.text)
	}
	parts := make([]restapi.Part, 0, len(p.files))
	for _, file := range p.files {
		parts = append(parts, restapi.Part{
			Field: "attachments[]", Name: file.Name, Type: file.MIMEType, Size: file.Size,
			Open: func() (io.ReadCloser, error) { return a.files.Content(ctx, file) },
		})
	}
	return a.client.sayFiles(ctx, conversationID, p.key, p.text, parts)
}
