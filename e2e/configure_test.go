package e2e_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
)

const (
	notConfigured = handoffv1.ServiceState_SERVICE_STATE_NOT_CONFIGURED
	available     = handoffv1.ServiceState_SERVICE_STATE_AVAILABLE
	unavailable   = handoffv1.ServiceState_SERVICE_STATE_UNAVAILABLE
)

// configured calls ConfigureProvider and expects OK, whatever the status.
func (s *server) configured(request *handoffv1.ConfigureProviderRequest) *handoffv1.ConfigureProviderResponse {
	s.t.Helper()
	s.vault.add("password", request.GetWebhook().GetPassword())
	s.vault.add("signing secret", request.GetWebhook().GetSigningSecret())
	answer, err := s.admin.ConfigureProvider(s.t.Context(), request)
	require.NoError(s.t, err)
	return answer
}

func (s *server) provider(agent string) *handoffv1.GetProviderResponse {
	s.t.Helper()
	answer, err := s.admin.GetProvider(s.t.Context(), &handoffv1.GetProviderRequest{AgentId: agent})
	require.NoError(s.t, err)
	return answer
}

func (s *server) status(agent string) *handoffv1.ServiceStatus {
	s.t.Helper()
	answer, err := s.admin.GetServiceStatus(s.t.Context(), &handoffv1.GetServiceStatusRequest{AgentId: agent})
	require.NoError(s.t, err)
	return answer.GetStatus()
}

func TestIncompleteProvider(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startReceiver(t)
	_, err := s.admin.GetProvider(t.Context(), &handoffv1.GetProviderRequest{AgentId: "shop"})
	requireCode(t, connect.CodeNotFound, err)
	assert.Equal(t, notConfigured, s.status("shop").GetState(), "an agent that was never configured")

	answer := s.configured(&handoffv1.ConfigureProviderRequest{
		AgentId:  "shop",
		Provider: &handoffv1.ConfigureProviderRequest_Webhook{Webhook: &handoffv1.WebhookConfig{Username: "desk"}},
	})
	assert.Equal(t, notConfigured, answer.GetStatus().GetState())
	assert.Equal(t, []string{"url"}, answer.GetStatus().GetMissingFields())
	assert.Equal(t, "INCOMPLETE", answer.GetStatus().GetReasonCode())
	url := answer.GetReceiveUrl()
	require.NotEmpty(t, url, "the receive URL comes first")
	assert.Equal(t, "desk", s.provider("shop").GetWebhook().GetUsername(), "what is given is saved")

	assert.Equal(t, url, s.configure("shop", r).GetReceiveUrl())
	s.restart()
	assert.Equal(t, path(t, url), path(t, s.provider("shop").GetReceiveUrl()), "the same after a restart")
	assert.NotEqual(t, s.provider("shop").GetReceiveUrl(), s.configure("other", r).GetReceiveUrl())
}

func TestCheckOutcome(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startSecuredReceiver(t)

	wrong := webhookRequest("shop", r)
	wrong.GetWebhook().Password = randomSecret()
	status := s.configured(wrong).GetStatus()
	assert.Equal(t, unavailable, status.GetState())
	assert.Equal(t, "CREDENTIALS", status.GetReasonCode())
	assert.NotEmpty(t, status.GetReason())
	assert.True(t, recent(status.GetCheckTime().AsTime()))
	assert.Equal(t, unavailable, s.status("shop").GetState(), "it is kept")

	// The desk is repaired, not the configuration: a new check finds it.
	r.misbehave(`{"password": "` + wrong.GetWebhook().GetPassword() + `"}`)
	test, err := s.admin.TestProvider(t.Context(), &handoffv1.TestProviderRequest{AgentId: "shop"})
	require.NoError(t, err)
	assert.Equal(t, available, test.GetStatus().GetState(), "%v", test.GetStatus())

	gone := webhookRequest("gone", r)
	gone.GetWebhook().Url = "http://" + freeAddress(t)
	status = s.configured(gone).GetStatus()
	assert.Equal(t, unavailable, status.GetState())
	assert.Equal(t, "UNREACHABLE", status.GetReasonCode())

	skipped := webhookRequest("skipped", r)
	skipped.GetWebhook().Url, skipped.GetWebhook().SkipProbe = gone.GetWebhook().GetUrl(), true
	assert.Equal(t, available, s.configured(skipped).GetStatus().GetState(), "no probe was wanted")

	_, err = s.admin.TestProvider(t.Context(), &handoffv1.TestProviderRequest{AgentId: "unknown"})
	requireCode(t, connect.CodeNotFound, err)
}

func TestValidateOnlyStoresNothing(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startSecuredReceiver(t)
	request := webhookRequest("shop", r)
	request.ValidateOnly = true
	answer := s.configured(request)
	assert.Equal(t, available, answer.GetStatus().GetState(), "%v", answer.GetStatus())
	eventually(t, func() error { // the receiver prints what it got a moment later
		if probes := len(r.probes()); probes != 1 {
			return fmt.Errorf("the vendor was asked %d times", probes)
		}
		return nil
	})
	_, err := s.admin.GetProvider(t.Context(), &handoffv1.GetProviderRequest{AgentId: "shop"})
	requireCode(t, connect.CodeNotFound, err)

	s.configure("shop", r)
	before := s.provider("shop")
	request.GetWebhook().Password = randomSecret()
	request.Settings = &handoffv1.Settings{TranscriptRounds: proto.Int32(3)}
	answer = s.configured(request)
	assert.Equal(t, "CREDENTIALS", answer.GetStatus().GetReasonCode())
	assert.Equal(t, before.GetEtag(), answer.GetEtag(), "the unchanged one")
	assert.True(t, proto.Equal(before, s.provider("shop")), "before %v\nafter %v", before, s.provider("shop"))
	request.GetWebhook().Url = "ftp://desk.example"
	_, err = s.admin.ConfigureProvider(t.Context(), request)
	requireCode(t, connect.CodeInvalidArgument, err)
}

func TestEtag(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startReceiver(t)
	first := s.configure("shop", r).GetEtag()
	require.NotEmpty(t, first)
	assert.Equal(t, first, s.provider("shop").GetEtag())
	second := s.configure("shop", r, func(request *handoffv1.ConfigureProviderRequest) {
		request.Etag, request.Settings.TranscriptRounds = first, proto.Int32(1)
	}).GetEtag()
	assert.NotEqual(t, first, second)

	stale := webhookRequest("shop", r)
	stale.Etag = first
	_, err := s.admin.ConfigureProvider(t.Context(), stale)
	requireCode(t, connect.CodeAborted, err)
	_, err = s.admin.DeleteProvider(t.Context(), &handoffv1.DeleteProviderRequest{AgentId: "shop", Etag: first})
	requireCode(t, connect.CodeAborted, err)
	assert.EqualValues(t, 1, s.provider("shop").GetSettings().GetTranscriptRounds(), "nothing was changed")
	_, err = s.admin.DeleteProvider(t.Context(), &handoffv1.DeleteProviderRequest{AgentId: "shop", Etag: second})
	require.NoError(t, err)
}

func TestSettings(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startReceiver(t)
	answer := s.configured(&handoffv1.ConfigureProviderRequest{AgentId: "shop", Settings: &handoffv1.Settings{TriggerDescription: "when asked"}})
	assert.Equal(t, notConfigured, answer.GetStatus().GetState(), "settings alone")
	got := s.provider("shop").GetSettings()
	assert.True(t, got.GetEnabled())
	assert.Equal(t, "when asked", got.GetTriggerDescription())
	for name, pair := range map[string][2]time.Duration{
		"wait_timeout":         {time.Minute, got.GetWaitTimeout().AsDuration()},
		"session_timeout":      {3 * time.Minute, got.GetSessionTimeout().AsDuration()},
		"max_session_duration": {24 * time.Hour, got.GetMaxSessionDuration().AsDuration()},
	} {
		assert.Equal(t, pair[0], pair[1], name)
	}
	assert.Nil(t, got.GetHumanSilenceTimeout())
	assert.Equal(t, "UTC", got.GetTimeZone())
	assert.EqualValues(t, 10, got.GetTranscriptRounds())
	assert.Equal(t, handoffv1.EmailPolicy_EMAIL_POLICY_REQUIRED, got.GetEmailPolicy())
	assert.Equal(t, handoffv1.WaitTimeoutAction_WAIT_TIMEOUT_ACTION_PROMPT, got.GetOnWaitTimeout())

	// The provider alone keeps the settings.
	request := webhookRequest("shop", r)
	request.Settings = nil
	s.configured(request)
	assert.Equal(t, "when asked", s.provider("shop").GetSettings().GetTriggerDescription())

	// A mask changes its paths only; what it names and is not given gets its default.
	s.configured(&handoffv1.ConfigureProviderRequest{
		AgentId:    "shop",
		Settings:   &handoffv1.Settings{WaitTimeout: durationpb.New(90e9), TimeZone: "Europe/Berlin"},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"wait_timeout", "trigger_description"}},
	})
	got = s.provider("shop").GetSettings()
	assert.Equal(t, 90*time.Second, got.GetWaitTimeout().AsDuration())
	assert.Empty(t, got.GetTriggerDescription())
	assert.Equal(t, "UTC", got.GetTimeZone())
	assert.Equal(t, r.url, s.provider("shop").GetWebhook().GetUrl(), "the provider stays")

	// Without a mask the settings are replaced whole.
	s.configured(&handoffv1.ConfigureProviderRequest{AgentId: "shop", Settings: &handoffv1.Settings{}})
	assert.Equal(t, time.Minute, s.provider("shop").GetSettings().GetWaitTimeout().AsDuration())
}

func TestSecretsStayWithTheirHost(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startSecuredReceiver(t)
	s.configure("shop", r)
	provider := s.provider("shop")
	assert.ElementsMatch(t, []string{"password", "signing_secret"}, provider.GetSecretsSet())
	assert.Empty(t, provider.GetWebhook().GetPassword())
	assert.Empty(t, provider.GetWebhook().GetSigningSecret())

	// Left out, they are kept for the same host: the receiver lets us in.
	same := webhookRequest("shop", r)
	same.GetWebhook().Password, same.GetWebhook().SigningSecret = "", ""
	assert.Equal(t, available, s.configured(same).GetStatus().GetState())

	// Not for another one.
	provider, probes := s.provider("shop"), len(r.probes())
	moved := webhookRequest("shop", r)
	moved.GetWebhook().Url = strings.Replace(r.url, "127.0.0.1", "localhost", 1)
	moved.GetWebhook().SigningSecret = ""
	_, err := s.admin.ConfigureProvider(t.Context(), moved)
	requireCode(t, connect.CodeInvalidArgument, err)
	assert.Contains(t, err.Error(), "signing_secret", "it names the field to give again")
	moved.GetWebhook().Password, moved.GetWebhook().SigningSecret = "", r.signingSecret
	_, err = s.admin.ConfigureProvider(t.Context(), moved)
	requireCode(t, connect.CodeInvalidArgument, err)
	assert.Contains(t, err.Error(), "password")
	assert.True(t, proto.Equal(provider, s.provider("shop")), "invalid_argument saves nothing")
	assert.Len(t, r.probes(), probes, "nothing was sent")
	moved.GetWebhook().Password = r.password
	assert.Equal(t, available, s.configured(moved).GetStatus().GetState(), "given again")

	without := webhookRequest("shop", r)
	without.GetWebhook().Url = moved.GetWebhook().GetUrl()
	without.GetWebhook().Password, without.GetWebhook().SigningSecret = "", ""
	without.ClearSecrets = []string{"password"}
	assert.Equal(t, "CREDENTIALS", s.configured(without).GetStatus().GetReasonCode(), "without a password")
	assert.Equal(t, []string{"signing_secret"}, s.provider("shop").GetSecretsSet())
	without.ClearSecrets = []string{"username"}
	_, err = s.admin.ConfigureProvider(t.Context(), without)
	requireCode(t, connect.CodeInvalidArgument, err)
}

func TestDeleteProvider(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startReceiver(t)
	url := s.configure("shop", r).GetReceiveUrl()
	session, _ := s.admin.request(t, "shop", "conversation")
	_, err := s.admin.DeleteProvider(t.Context(), &handoffv1.DeleteProviderRequest{AgentId: "shop"})
	requireCode(t, connect.CodeFailedPrecondition, err)
	assert.Equal(t, available, s.status("shop").GetState())

	_, err = s.admin.DeleteProvider(t.Context(), &handoffv1.DeleteProviderRequest{AgentId: "shop", Force: true})
	require.NoError(t, err)
	assert.Equal(t, notConfigured, s.status("shop").GetState())
	s.admin.send(t, session.GetId(), "m", "Still there?")
	assert.Equal(t, "Still there?", r.await(session.GetId(), "/chat", 1)[0].text(), "open sessions keep their connection")
	_, err = s.admin.DeleteProvider(t.Context(), &handoffv1.DeleteProviderRequest{AgentId: "shop"})
	requireCode(t, connect.CodeNotFound, err)
	assert.Equal(t, url, s.configure("shop", r).GetReceiveUrl(), "stable for agent and kind")
}

func TestOpenSessionsKeepTheirConnection(t *testing.T) {
	t.Parallel()
	s, before, after := startServer(t), startReceiver(t), startReceiver(t)
	s.configure("shop", before)
	first, _ := s.admin.request(t, "shop", "first")
	s.configure("shop", after)
	second, _ := s.admin.request(t, "shop", "second")
	s.admin.send(t, first.GetId(), "m", "to the old desk")
	s.admin.send(t, second.GetId(), "m", "to the new desk")
	assert.Equal(t, "to the old desk", before.await(first.GetId(), "/chat", 1)[0].text())
	assert.Equal(t, "to the new desk", after.await(second.GetId(), "/chat", 1)[0].text())
	s.restart()
	s.admin.send(t, first.GetId(), "n", "again")
	assert.Equal(t, "again", before.await(first.GetId(), "/chat", 2)[1].text())
}

func TestPrivateDestinationsAreRefused(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, withoutPrivateDestinations()), startReceiver(t)
	for _, url := range []string{r.url, strings.Replace(r.url, "127.0.0.1", "localhost", 1), strings.Replace(r.url, "127.0.0.1", "[::1]", 1), strings.Replace(r.url, "127.0.0.1", "[::ffff:127.0.0.1]", 1)} {
		request := webhookRequest("shop", r)
		request.GetWebhook().Url = url
		answer, err := s.admin.ConfigureProvider(t.Context(), request)
		if err != nil {
			requireCode(t, connect.CodeInvalidArgument, err)
			continue
		}
		assert.Equal(t, unavailable, answer.GetStatus().GetState(), url)
	}
	assert.Empty(t, r.calls())
}

func TestProviderKinds(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	answer, err := s.admin.ListProviderKinds(t.Context(), &handoffv1.ListProviderKindsRequest{})
	require.NoError(t, err)
	for _, kind := range answer.GetKinds() {
		if kind.GetKind() != "webhook" {
			continue
		}
		assert.NotEmpty(t, kind.GetTitle())
		assert.NotEmpty(t, kind.GetSetupSteps())
		secrets := map[string]bool{}
		for _, field := range kind.GetFields() {
			secrets[field.GetName()] = field.GetSecret()
			assert.Equal(t, field.GetName() == "url", field.GetRequired(), field.GetName())
		}
		assert.Equal(t, map[string]bool{"url": false, "username": false, "password": true, "signing_secret": true, "skip_probe": false}, secrets)
		return
	}
	require.Fail(t, "no webhook among the kinds", "%v", answer)
}

func TestSignedReceiveURL(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startSecuredReceiver(t)
	url := strings.TrimPrefix(s.configure("shop", r).GetReceiveUrl(), s.url)
	session, _ := s.admin.request(t, "shop", "conversation")
	nobody := s.client("")

	post := func(secret, text string) int {
		body := reply(session.GetId(), text)
		status, _ := nobody.post(t, url+"/human/message/receive", body, sign(t, secret, body)...)
		return status
	}
	old := r.signingSecret
	assert.Equal(t, 200, post(old, "one"))
	assert.Equal(t, 401, post("whsec_"+randomBase64(), "forged"))
	status, _ := nobody.post(t, url+"/human/message/receive", reply(session.GetId(), "unsigned"))
	assert.Equal(t, 401, status)

	fresh := webhookRequest("shop", r)
	fresh.GetWebhook().SigningSecret, fresh.GetWebhook().SkipProbe = "whsec_"+randomBase64(), true
	s.configured(fresh)
	assert.Equal(t, 200, post(fresh.GetWebhook().GetSigningSecret(), "two"))
	assert.Equal(t, 200, post(old, "three"), "a replaced one is still accepted")
	var texts []string
	for _, event := range s.admin.events(t, session.GetId()) {
		if event.GetMessage() != nil {
			texts = append(texts, event.GetMessage().GetText())
		}
	}
	assert.Equal(t, []string{"one", "two", "three"}, texts)
}
