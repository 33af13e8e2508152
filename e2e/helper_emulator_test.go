package e2e_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/emulator"
)

// emulated is a vendor in a process of its own: handoff emulate.
type emulated struct {
	*process

	t       *testing.T
	kind    string
	url     string
	request *handoffv1.ConfigureProviderRequest
}

func startEmulator(t *testing.T, kind string) *emulated {
	t.Helper()
	e := &emulated{t: t, kind: kind}
	e.process = startProcess(t, t.TempDir(), nil, bin.handoff, "emulate", kind, "--listen", "127.0.0.1:0")
	e.url = e.lineWith("listening on ")
	e.request = &handoffv1.ConfigureProviderRequest{}
	require.NoError(t, protojson.Unmarshal([]byte(e.lineWith("configuration ")), e.request))
	return e
}

// connect configures an agent with the emulator, and the emulator with the agent's
// receive URL.
func (e *emulated) connect(s *server, agent string) {
	e.t.Helper()
	request := proto.CloneOf(e.request)
	request.AgentId, request.Settings = agent, longSettings()
	field := request.ProtoReflect().WhichOneof(request.ProtoReflect().Descriptor().Oneofs().ByName("provider"))
	config := request.ProtoReflect().Get(field).Message().Interface()
	for name, secret := range provider.Secrets(config) {
		s.vault.add(e.kind+" "+name, secret)
	}
	answer, err := s.admin.ConfigureProvider(e.t.Context(), request)
	require.NoError(e.t, err)
	require.Equal(e.t, available, answer.GetStatus().GetState(), "%v", answer.GetStatus())
	for _, d := range e.order("url", map[string]any{"url": answer.GetReceiveUrl()}) {
		require.Equal(e.t, http.StatusOK, d.Status, "handshake: %+v", d)
	}
}

// order tells the emulator what to do, as its page does.
func (e *emulated) order(name string, body map[string]any) []emulator.Delivery {
	e.t.Helper()
	data, err := json.Marshal(body)
	require.NoError(e.t, err)
	answer, err := http.Post(e.url+emulator.PagePath+name, "application/json", strings.NewReader(string(data)))
	require.NoError(e.t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(e.t, err)
	require.Equal(e.t, http.StatusOK, answer.StatusCode, "%s", text)
	var done struct {
		Deliveries []emulator.Delivery `json:"deliveries"`
	}
	require.NoError(e.t, json.Unmarshal(text, &done))
	return done.Deliveries
}

func (e *emulated) sessions() []emulator.Session { return e.state().Sessions }

// emulatorState is what an emulator's page shows.
type emulatorState struct {
	Sessions []emulator.Session `json:"sessions"`
	Calls    int                `json:"calls"`
	Contacts int                `json:"contacts"`
}

func (e *emulated) state() emulatorState {
	e.t.Helper()
	answer, err := http.Get(e.url + emulator.PagePath + "state")
	require.NoError(e.t, err)
	defer answer.Body.Close()
	var state emulatorState
	require.NoError(e.t, json.NewDecoder(answer.Body).Decode(&state))
	return state
}

// last returns the newest session.
func (e *emulated) last() emulator.Session {
	e.t.Helper()
	all := e.sessions()
	require.NotEmpty(e.t, all)
	return all[len(all)-1]
}

func (e *emulated) act(kind emulator.ActKind, text string, lost bool) {
	e.t.Helper()
	e.order("act", map[string]any{"session": e.last().ID, "kind": kind, "text": text, "lost": lost})
}

// sendFile has the human send a file.
func (e *emulated) sendFile(text string, file emulator.File, lost bool) {
	e.t.Helper()
	e.order("act", map[string]any{"session": e.last().ID, "kind": emulator.Attach, "text": text, "file": file, "lost": lost})
}
