package e2e_test

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
)

func TestStreamResumes(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, withFixedPort()), startReceiver(t)
	s.configure("shop", r)
	session, token := s.admin.request(t, "shop", "conversation")
	id := session.GetId()
	customer := s.client(token)
	customer.awaitState(t, id, waiting)

	live := customer.follow(t, id, 0)
	assert.EqualValues(t, 1, live.next().GetSequence())
	assert.EqualValues(t, 2, live.next().GetSequence())
	live.cancel()

	// Nothing is due: the answer is empty, and comes at once.
	resumed := customer.follow(t, id, 2)
	started := time.Now()
	assert.Empty(t, resumed.part().GetEvents())
	assert.Less(t, time.Since(started), 10*time.Second, "the first answer does not wait for the first beat")

	s.admin.send(t, id, "m", "Hello?")
	assert.EqualValues(t, 3, resumed.next().GetSequence())
	assert.EqualValues(t, 4, resumed.next().GetSequence())

	// A stream that was open when the server was killed goes on after the last
	// event that was seen.
	s.crash()
	require.Error(t, resumed.end(), "a stream that is cut has no clean end")
	resumed = customer.follow(t, id, 4)
	s.admin.post(t, "/v1/human/message/receive", reply(id, "Hi"))
	assert.Equal(t, "Hi", resumed.next().GetMessage().GetText())
	assert.Equal(t, active, resumed.next().GetStateChanged().GetState())
	customer.close(t, id)
	assert.Equal(t, closed, resumed.next().GetStateChanged().GetState())
	require.NoError(t, resumed.end())

	// A closed session can be read from any place, and each stream ends by itself.
	all := s.admin.events(t, id)
	for after := range uint64(len(all) + 1) {
		again := customer.follow(t, id, after)
		for _, want := range all[after:] {
			require.True(t, proto.Equal(want, again.next()))
		}
		require.NoError(t, again.end(), "after %d", after)
	}
}

func TestStreamsBeat(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startReceiver(t)
	s.configure("shop", r)
	session, _ := s.admin.request(t, "shop", "conversation")
	s.admin.awaitState(t, session.GetId(), waiting)
	stream := s.admin.follow(t, session.GetId(), 2)
	events := s.admin.listen(t, session.GetId(), "?after_sequence=2")
	require.Empty(t, stream.part().GetEvents(), "the answer at once")
	started := time.Now()
	require.Empty(t, stream.part().GetEvents(), "a beat")
	assert.InDelta(t, 15, time.Since(started).Seconds(), 5, "seconds between beats")
	for beat := false; !beat; {
		line, ok := events.line()
		require.True(t, ok)
		beat = strings.HasPrefix(line, ":")
	}
}

func TestServerSentEvents(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startReceiver(t)
	s.configure("shop", r)
	session, token := s.admin.request(t, "shop", "conversation")
	id := session.GetId()
	customer := s.client(token)

	live := customer.listen(t, id, "")
	assert.Equal(t, http.StatusOK, live.response.StatusCode)
	assert.True(t, strings.HasPrefix(live.response.Header.Get("Content-Type"), "text/event-stream"))
	assert.Contains(t, live.response.Header.Get("Cache-Control"), "no-")
	assert.EqualValues(t, 1, live.next().GetSequence())
	assert.EqualValues(t, 2, live.next().GetSequence())
	s.admin.post(t, "/v1/human/message/receive", reply(id, "two\nlines"))
	assert.Equal(t, "two\nlines", live.next().GetMessage().GetText())

	resumed := customer.listen(t, id, "", "Last-Event-ID", "3")
	assert.Equal(t, active, resumed.next().GetStateChanged().GetState())
	byQuery := customer.listen(t, id, "?after_sequence=2")
	assert.EqualValues(t, 3, byQuery.next().GetSequence())

	customer.close(t, id)
	all := s.admin.events(t, id)
	for _, stream := range []*sse{live, resumed, byQuery} {
		var final *handoffv1.Event
		for event := stream.next(); event != nil; event = stream.next() {
			final = event
		}
		assert.True(t, proto.Equal(last(all), final), "the stream ends after CLOSED")
	}

	end := strconv.FormatUint(last(all).GetSequence(), 10)
	for _, headers := range [][]string{{"Last-Event-ID", end}, nil} {
		query := ""
		if headers == nil {
			query = "?after_sequence=" + end
		}
		status, _ := customer.do(t, http.MethodGet, "/v1/sessions/"+id+"/events"+query, "", headers...)
		assert.Equal(t, http.StatusNoContent, status, "nothing is left of a closed session")
	}
	status, body := customer.do(t, http.MethodGet, "/v1/sessions/"+id+"/events", "")
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, len(all), strings.Count("\n"+body, "\ndata:"))
}

func TestKeyInQueryIsRefused(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startReceiver(t)
	s.configure("shop", r)
	session, token := s.admin.request(t, "shop", "conversation")
	nobody := s.client("")
	for _, name := range []string{"key", "token", "access_token", "api_key", "authorization", "session_token"} {
		status, _ := nobody.do(t, http.MethodGet, "/v1/sessions/"+session.GetId()+"/events?"+name+"="+token, "")
		assert.Equal(t, http.StatusUnauthorized, status, name)
	}
}

func TestConnectGet(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	query := "?connect=v1&encoding=json&message=%7B%22agentId%22%3A%22shop%22%7D"
	response := s.admin.open(t, http.MethodGet, "/handoff.v1.HandoffService/GetServiceStatus"+query, "")
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, response.StatusCode, string(body))
	assert.Equal(t, "no-store", response.Header.Get("Cache-Control"))
	assert.Contains(t, string(body), "SERVICE_STATE_NOT_CONFIGURED")

	status, _ := s.admin.do(t, http.MethodGet, "/handoff.v1.HandoffService/CloseSession"+query, "")
	assert.Equal(t, http.StatusMethodNotAllowed, status, "only RPCs without side effects")
}

func TestSlowReaderGetsEverything(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startReceiver(t)
	s.configure("shop", r)
	session, _ := s.admin.request(t, "shop", "conversation")
	stream := s.admin.follow(t, session.GetId(), 0)
	require.EqualValues(t, 1, stream.next().GetSequence())
	big := strings.Repeat("x", 60<<10)
	const messages = 40
	for i := range messages {
		s.admin.send(t, session.GetId(), strconv.Itoa(i), big)
	}
	r.await(session.GetId(), "/chat", messages)
	s.admin.close(t, session.GetId())
	for want := uint64(2); ; want++ {
		event := stream.next()
		require.Equal(t, want, event.GetSequence())
		if event.GetStateChanged().GetState() == closed {
			break
		}
	}
	require.NoError(t, stream.end())
	_, err := s.admin.ListEvents(t.Context(), &handoffv1.ListEventsRequest{SessionId: session.GetId(), AfterSequence: 9999})
	requireCode(t, connect.CodeOutOfRange, err)
}
