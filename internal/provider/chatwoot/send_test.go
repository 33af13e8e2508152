package chatwoot_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/chatwoot/chatwoottest"
	"github.com/human-handoff/handoff/internal/provider/emulator"
)

// named is a provider.Files whose contents are the names.
type named struct{}

// Content implements provider.Files.
func (named) Content(_ context.Context, a handoff.Attachment) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(a.Name)), nil
}

// Link implements provider.Files.
func (named) Link(a handoff.Attachment) string { return "https://files.example/" + a.ID }

func filesOf(n int) []handoff.Attachment {
	var all []handoff.Attachment
	for i := range n {
		name := fmt.Sprintf("%d.png", i)
		all = append(all, handoff.Attachment{ID: name, Name: name, MIMEType: "image/png", Size: int64(len(name))})
	}
	return all
}

func TestMoreFilesThanAMessageTakes(t *testing.T) {
	t.Parallel()
	for _, old := range []bool{false, true} {
		d := newDesk(t, func(e *chatwoottest.Emulator, _ *handoffv1.ChatwootConfig) { e.NoSourceIDs = old })
		c := d.begin(handoff.Customer{UserID: "u-1"})
		c.IdempotencyKey = "m-1"
		m := handoff.Message{Text: "all of them", Attachments: filesOf(20)}

		d.front.Fail(emulator.Fault{Status: http.StatusBadGateway, Skip: 1, Done: true})
		_, err := d.Send(t.Context(), c, m)
		require.Error(t, err, "the answer to the second half is lost")
		d.front.Heal()
		c.Repeat = true
		_, err = d.Send(t.Context(), c, m)
		require.NoError(t, err)

		s := d.seen(c)
		assert.Equal(t, []string{"all of them", ""}, s.Messages())
		require.Len(t, s.Files, 20, "each once, versions without source ids included: %t", old)
		for i, f := range s.Files {
			assert.Equal(t, emulator.File{Name: fmt.Sprintf("%d.png", i), Content: fmt.Sprintf("%d.png", i)}, f)
		}
	}
}

func TestAFileThatIsTooLargeFailsForGood(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	c := d.begin(handoff.Customer{UserID: "u-1"})
	d.front.Fail(emulator.Fault{Status: http.StatusRequestEntityTooLarge})
	_, err := d.Send(t.Context(), c, handoff.Message{Attachments: filesOf(1)})
	assert.Equal(t, provider.ClassRejected, provider.ClassOf(err))
}

func TestOnlyTheSessionsCustomerIsShownTyping(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	typer, _ := d.Adapter.(provider.Typer)
	c := d.begin(handoff.Customer{UserID: "u-1"})
	other := c
	other.SessionID = "ses_other"
	require.Error(t, typer.Typing(t.Context(), other, true))
	assert.False(t, d.seen(c).Typing)
	require.NoError(t, typer.Typing(t.Context(), c, true))
	assert.True(t, d.seen(c).Typing)

	d.front.Fail(emulator.Fault{Cut: true})
	err := typer.Typing(t.Context(), c, false)
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "/contacts/", "who knows it can write in the customer's name")
}

// TestAFileIsNotTakenForTheSameWords is about versions that keep no source ids.
func TestAFileIsNotTakenForTheSameWords(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(e *chatwoottest.Emulator, _ *handoffv1.ChatwootConfig) { e.NoSourceIDs = true })
	c := d.begin(handoff.Customer{UserID: "u-1"})
	c.IdempotencyKey = "m-1"
	_, err := d.Send(t.Context(), c, handoff.Message{Text: "here"})
	require.NoError(t, err)
	c.IdempotencyKey, c.Repeat = "m-2", true
	_, err = d.Send(t.Context(), c, handoff.Message{Text: "here", Attachments: filesOf(1)})
	require.NoError(t, err)
	assert.Len(t, d.seen(c).Files, 1)
}
