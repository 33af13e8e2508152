package rows

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/human-handoff/handoff/bench/internal/measure"
	"github.com/human-handoff/handoff/bench/internal/target"
	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
)

// history is how many events the database has that is started with.
const history = 200_000

// fullDatabase makes a database with many events and, for each session, a
// delivery that its vendor was too busy to take.
func (e *Env) fullDatabase(ctx context.Context, vendor *target.Vendor) (string, error) {
	dir, err := e.folder()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "handoff.db")
	p, err := target.StartProduct(ctx, e.Binary, path, false)
	if err != nil {
		return "", err
	}
	defer p.Stop()
	if err := p.Configure(ctx, vendor.URL); err != nil {
		return "", err
	}
	n := e.many(sessions)
	ids, err := p.Sessions(ctx, n)
	if err != nil {
		return "", err
	}
	taken := func() bool { // the starts go through, so that only the messages are pending
		r, err := p.Client.ListSessions(ctx, &handoffv1.ListSessionsRequest{
			AgentId: target.Agent, States: []handoffv1.SessionState{handoffv1.SessionState_SESSION_STATE_REQUESTED}, PageSize: 1,
		})
		return err == nil && len(r.GetSessions()) == 0
	}
	if !measure.Until(ctx, settleLimit, taken) {
		return "", fmt.Errorf("sessions did not start")
	}
	vendor.Refuse(true)
	err = eachAtOnce(n, clients, func(i int) error {
		_, err := p.Client.SendMessage(ctx, &handoffv1.SendMessageRequest{SessionId: ids[i], ClientMessageId: "1", Text: text})
		return err
	})
	if err != nil {
		return "", err
	}
	p.Stop()
	return path, prolong(ctx, path, e.many(history))
}

// prolong appends copies of each session's last message to its log: to send so
// many would take minutes, and no start reads what they say.
func prolong(ctx context.Context, path string, events int) error {
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	var there, logs int
	if err := db.QueryRowContext(ctx, "SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM sessions)").Scan(&there, &logs); err != nil {
		return err
	}
	each := max(0, events-there)/logs + 1
	const more = `
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < ?1)
INSERT INTO events(id, time, kind, payload)
SELECT e.id + n.i, e.time, e.kind, e.payload FROM sessions s JOIN events e ON e.id = (s.num << 32) + s.last_sequence, n`
	if _, err := db.ExecContext(ctx, more, each); err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "UPDATE sessions SET last_sequence = last_sequence + ?1", each)
	return err
}
