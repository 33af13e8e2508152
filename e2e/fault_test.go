package e2e_test

import (
	"database/sql"
	"fmt"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // the driver "sqlite"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
)

// TestWriterIsStalled has another process keep the database locked. Callers hear
// of it within seconds, reads go on, nothing that was refused was stored, and
// what is sent again afterwards arrives once.
func TestWriterIsStalled(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startReceiver(t)
	s.configure("shop", r)
	session, _ := s.admin.request(t, "shop", "conversation")
	s.admin.awaitState(t, session.GetId(), waiting)

	other, err := sql.Open("sqlite", "file:"+s.database()+"?_txlock=immediate&_pragma=busy_timeout(10000)")
	require.NoError(t, err)
	defer other.Close()
	tx, err := other.BeginTx(t.Context(), nil)
	require.NoError(t, err)

	const senders = 20
	send := func(i int) error {
		_, err := s.admin.SendMessage(t.Context(), &handoffv1.SendMessageRequest{
			SessionId: session.GetId(), ClientMessageId: fmt.Sprint(i), Text: fmt.Sprint("message ", i),
		})
		return err
	}
	began := time.Now()
	var group sync.WaitGroup
	for i := range senders {
		group.Go(func() {
			err := send(i)
			assert.Equal(t, connect.CodeUnavailable, connect.CodeOf(err), "%v", err)
		})
	}
	assert.Len(t, s.admin.events(t, session.GetId()), 2, "what is there can be read")
	group.Wait()
	assert.Less(t, time.Since(began), 20*time.Second)

	require.NoError(t, tx.Rollback())
	for i := range senders {
		require.NoError(t, send(i))
	}
	want := make([]string, senders)
	for i := range want {
		want[i] = fmt.Sprint("message ", i)
	}
	r.await(session.GetId(), "/chat", senders)
	assert.Equal(t, want, r.texts(session.GetId()))
}
