package store

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/human-handoff/handoff/internal/handoff"
)

// bodies has every kind of event with something in each field.
var bodies = map[string]handoff.EventBody{
	"MessageLogged": handoff.MessageLogged{Message: handoff.Message{
		ID: "m", ClientMessageID: "c", Author: handoff.AuthorCustomer, AuthorName: "Ann", Text: "<b> \u0000 \u2028 🙂",
		Attachments: []handoff.Attachment{{ID: "a", Name: "n", MIMEType: "text/plain", Size: 7, State: handoff.FilePending}},
		Status:      handoff.MessageAccepted, Time: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC),
	}},
	"StateChanged": handoff.StateChanged{
		State: handoff.StateClosed, CloseReason: handoff.ClosedByHuman, Outcome: handoff.Outcome{Disposition: "d", Note: "n"},
	},
	"WaitPrompted":         handoff.WaitPrompted{Deadline: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)},
	"MessageStatusChanged": handoff.MessageStatusChanged{MessageID: "m", Status: handoff.MessageFailed, Detail: "d"},
	"ParticipantChanged":   handoff.ParticipantChanged{Name: "Bob", Joined: true},
	"QueueChanged":         handoff.QueueChanged{Position: 3, Wait: time.Minute},
	"AttachmentChanged": handoff.AttachmentChanged{MessageID: "m", Attachment: handoff.Attachment{
		ID: "a", Name: "n", MIMEType: "text/plain", Size: 7, State: handoff.FileFailed,
	}},
}

func TestEventBodies(t *testing.T) {
	t.Parallel()
	kinds := map[string]bool{}
	for name, body := range bodies {
		kind, payload, err := encodeBody(body)
		require.NoError(t, err)
		require.False(t, kinds[kind], "two types share the kind %s", kind)
		kinds[kind] = true
		got, err := decodeBody(kind, payload)
		require.NoError(t, err)
		require.Equal(t, body, got, name)
	}
}

// A type of event that is new in the domain has to be stored, and tested above.
func TestEventBodiesAreComplete(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../handoff/*.go")
	require.NoError(t, err)
	var declared []string
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		require.NoError(t, err)
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == "eventBody" && f.Recv != nil {
				declared = append(declared, f.Recv.List[0].Type.(*ast.Ident).Name)
			}
		}
	}
	tested := make([]string, 0, len(bodies))
	for name, body := range bodies {
		require.Equal(t, "handoff."+name, fmt.Sprintf("%T", body))
		tested = append(tested, name)
	}
	slices.Sort(declared)
	slices.Sort(tested)
	require.Equal(t, declared, tested)
}

func TestEventBodiesThatMakeNoSense(t *testing.T) {
	t.Parallel()
	_, err := decodeBody("hologram", "{}")
	require.ErrorContains(t, err, `unknown kind "hologram"`)
	_, err = decodeBody(kindMessage, "{")
	require.Error(t, err)
	_, _, err = encodeBody(nil)
	require.ErrorContains(t, err, "<nil>")
}

func TestTimes(t *testing.T) {
	t.Parallel()
	require.Zero(t, fromTime(time.Time{}))
	require.True(t, toTime(0).IsZero())
	rapid.Check(t, func(t *rapid.T) {
		want := time.UnixMicro(rapid.Int64Range(-1<<50, 1<<50).Filter(func(n int64) bool { return n != 0 }).Draw(t, "micros"))
		got := toTime(fromTime(want.In(time.FixedZone("x", 3600))))
		require.True(t, want.Equal(got))
		require.Equal(t, time.UTC, got.Location())
	})
}

func TestEventKeys(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		num := rapid.Int64Range(1, math.MaxInt32-1).Draw(t, "num")
		a, b := rapid.Uint32().Draw(t, "a"), rapid.Uint32().Draw(t, "b")
		key := eventKey(num, uint64(a))
		require.EqualValues(t, a, eventSequence(key))
		require.Equal(t, num, key>>sequenceBits)
		require.Equal(t, a < b, key < eventKey(num, uint64(b)), "keys have the order of the log")
		require.Less(t, key, eventKey(num+1, 0), "and logs do not overlap")
	})
	require.NoError(t, checkSequence(math.MaxUint32))
	require.Equal(t, handoff.CodeExhausted, handoff.CodeOf(checkSequence(math.MaxUint32+1)))
}

func TestTranslate(t *testing.T) {
	t.Parallel()
	require.NoError(t, translate(nil))
	require.Equal(t, context.Canceled, translate(context.Canceled))
	require.Equal(t, handoff.ErrAgentNotFound, translate(handoff.ErrAgentNotFound))
	err := translate(errors.New("something"))
	require.Equal(t, handoff.CodeInternal, handoff.CodeOf(err))
	require.ErrorContains(t, err, "something")
}
