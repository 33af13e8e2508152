package e2e_test

import (
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
)

// Typing and read pass through, at once and without a trace.
func TestSignals(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	desk := s.deskOf("care", longSettings())
	agent := s.agentClient("care")
	session, token := agent.request(t, "care", "chat-1")
	id, customer := session.GetId(), s.client(token)
	agent.awaitState(t, id, waiting)

	replies := customer.follow(t, id, 0)
	replies.part()
	events := customer.listen(t, id, "")
	seen, err := desk.StreamSession(t.Context(), &handoffv1.StreamSessionRequest{SessionId: id})
	require.NoError(t, err)
	require.True(t, seen.Receive())
	sequence := len(agent.events(t, id))

	typing := func(active bool) {
		_, err := customer.SendSignal(t.Context(), &handoffv1.SendSignalRequest{SessionId: id, Signal: &handoffv1.SendSignalRequest_Typing{Typing: active}})
		require.NoError(t, err)
	}
	typing(true)
	require.True(t, nextSignal(t, seen).GetTyping().GetActive())
	for range 20 {
		typing(true) // too many
	}
	typing(false)
	stopped := nextSignal(t, seen).GetTyping()
	require.Equal(t, handoffv1.Author_AUTHOR_CUSTOMER, stopped.GetAuthor())
	require.False(t, stopped.GetActive(), "of many only the first passes, and the end always does")

	_, err = desk.SendSignal(t.Context(), &handoffv1.DeskServiceSendSignalRequest{SessionId: id, Signal: &handoffv1.DeskServiceSendSignalRequest_Typing{Typing: true}})
	require.NoError(t, err)
	for {
		if part := replies.part(); len(part.GetSignals()) > 0 {
			require.Equal(t, handoffv1.Author_AUTHOR_HUMAN, part.GetSignals()[0].GetTyping().GetAuthor())
			break
		}
	}
	for {
		line, ok := events.line()
		require.True(t, ok)
		if line == "event: signal" {
			line, _ = events.line()
			require.Contains(t, line, `"typing":`)
			break
		}
	}
	_, err = desk.SendSignal(t.Context(), &handoffv1.DeskServiceSendSignalRequest{SessionId: id, Signal: &handoffv1.DeskServiceSendSignalRequest_ReadUpTo{ReadUpTo: 9999}})
	require.NoError(t, err)
	for {
		if part := replies.part(); len(part.GetSignals()) > 0 {
			require.EqualValues(t, sequence, part.GetSignals()[0].GetRead().GetUpToSequence(), "nobody has read what is not there")
			break
		}
	}
	require.Len(t, agent.events(t, id), sequence, "nothing is logged")
	agent.close(t, id)
	_, err = customer.SendSignal(t.Context(), &handoffv1.SendSignalRequest{SessionId: id, Signal: &handoffv1.SendSignalRequest_Typing{Typing: true}})
	requireCode(t, connect.CodeFailedPrecondition, err)
}

func nextSignal(t *testing.T, stream *connect.ServerStreamForClient[handoffv1.StreamSessionResponse]) *handoffv1.Signal {
	t.Helper()
	deadline := time.AfterFunc(patience, func() { _ = stream.Close() })
	defer deadline.Stop()
	for stream.Receive() {
		if signals := stream.Msg().GetSignals(); len(signals) > 0 {
			return signals[0]
		}
	}
	require.Fail(t, "the stream ended without a signal", "%v", stream.Err())
	return nil
}
