package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"connectrpc.com/connect"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/timestamppb"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/gen/go/handoff/v1/handoffv1connect"
)

const outOfPeriod = handoffv1.DeclineReason_DECLINE_REASON_OUT_OF_SERVICE_PERIOD

// noonZone returns a zone in which it is between 12:00 and 13:00 now, and the time
// there: a window of that day that begins or ends hours from noon can neither open
// nor close under a test, and the day does not end.
func noonZone(t *testing.T) (string, time.Time) {
	t.Helper()
	now := time.Now().UTC()
	name := fmt.Sprintf("Etc/GMT%+d", now.Hour()-12) // the sign is the other way round than usual
	zone, err := time.LoadLocation(name)
	require.NoError(t, err)
	there := now.In(zone)
	require.Equal(t, 12, there.Hour())
	return name, there
}

// today is a period on the day of a time.
func today(there time.Time, start, end string) *handoffv1.ServicePeriod {
	return custom(there.Format(time.DateOnly), start, end)
}

func custom(date, start, end string) *handoffv1.ServicePeriod {
	return &handoffv1.ServicePeriod{Period: &handoffv1.ServicePeriod_Custom{
		Custom: &handoffv1.CustomPeriod{Date: date, Start: start, End: end},
	}}
}

func weekly(start, end string, days ...handoffv1.ServicePeriod_Day) *handoffv1.ServicePeriod {
	return &handoffv1.ServicePeriod{Period: &handoffv1.ServicePeriod_Weekly{
		Weekly: &handoffv1.WeeklyPeriod{Days: days, Start: start, End: end},
	}}
}

// spans writes windows as "09:00-12:00 13:00-18:00".
func spans(windows []*handoffv1.ServiceWindow) string {
	all := make([]string, len(windows))
	for i, w := range windows {
		all[i] = w.GetStart() + "-" + w.GetEnd()
	}
	return strings.Join(all, " ")
}

// settings saves an agent's settings alone.
func (s *server) settings(agent string, settings *handoffv1.Settings) *handoffv1.ServiceStatus {
	s.t.Helper()
	return s.configured(&handoffv1.ConfigureProviderRequest{AgentId: agent, Settings: settings}).GetStatus()
}

// TestScheduleReference is the example of the reference system: Thursday,
// 12 December 2024.
func TestScheduleReference(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	const thursday = handoffv1.ServicePeriod_DAY_THURSDAY
	s.settings("shop", &handoffv1.Settings{
		TimeZone: "Asia/Shanghai",
		ServicePeriods: []*handoffv1.ServicePeriod{
			weekly("09:00", "12:00", thursday), custom("2024-12-12", "13:00", "18:00"),
			custom("2024-12-12", "10:00", "12:00"), custom("2024-12-12", "15:00", "17:00"),
			weekly("22:00", "02:00", handoffv1.ServicePeriod_DAY_FRIDAY),
		},
		ClosedDates: []*handoffv1.ClosedDate{{Date: "12-19", Note: "stocktaking"}},
	})
	const week = "09:00-12:00 13:00-18:00"
	for _, test := range []struct {
		at, code    string
		open        bool
		windows     string
		next, close string
	}{
		{"2024-12-12T08:59:59+08:00", "OUTSIDE_PERIODS", false, week, "2024-12-12T09:00:00+08:00", "2024-12-12T12:00:00+08:00"},
		{"2024-12-12T09:00:00+08:00", "IN_PERIOD", true, week, "2024-12-12T13:00:00+08:00", "2024-12-12T12:00:00+08:00"},
		{"2024-12-12T03:30:00Z", "IN_PERIOD", true, week, "2024-12-12T13:00:00+08:00", "2024-12-12T12:00:00+08:00"},
		{"2024-12-12T12:00:00+08:00", "OUTSIDE_PERIODS", false, week, "2024-12-12T13:00:00+08:00", "2024-12-12T18:00:00+08:00"},
		{"2024-12-12T17:30:00+08:00", "IN_PERIOD", true, week, "2024-12-13T22:00:00+08:00", "2024-12-12T18:00:00+08:00"},
		{"2024-12-13T23:00:00+08:00", "IN_PERIOD", true, "22:00-24:00", "2024-12-20T22:00:00+08:00", "2024-12-14T02:00:00+08:00"},
		{"2024-12-14T01:00:00+08:00", "IN_PERIOD", true, "00:00-02:00", "2024-12-20T22:00:00+08:00", "2024-12-14T02:00:00+08:00"},
		{"2024-12-19T10:00:00+08:00", "CLOSED_DATE", false, "", "2024-12-20T22:00:00+08:00", "2024-12-21T02:00:00+08:00"},
	} {
		at, err := time.Parse(time.RFC3339, test.at)
		require.NoError(t, err)
		got, err := s.agentClient("shop").EvaluateSchedule(t.Context(), &handoffv1.EvaluateScheduleRequest{AgentId: "shop", Time: timestamppb.New(at)})
		require.NoError(t, err)
		assert.Equal(t, test.open, got.GetOpen(), test.at)
		assert.Equal(t, test.code, got.GetReasonCode(), test.at)
		assert.Equal(t, test.windows, spans(got.GetWindows()), test.at)
		assert.Equal(t, "Asia/Shanghai", got.GetTimeZone())
		shanghai := time.FixedZone("", 8*60*60)
		assert.Equal(t, at.In(shanghai).Format(time.DateOnly), got.GetDate())
		assert.Equal(t, test.next, got.GetNextOpenTime().AsTime().In(shanghai).Format(time.RFC3339), test.at)
		assert.Equal(t, test.close, got.GetNextCloseTime().AsTime().In(shanghai).Format(time.RFC3339), test.at)
		if test.code == "CLOSED_DATE" {
			assert.Contains(t, got.GetReason(), "stocktaking")
		}
	}
	_, err := s.admin.EvaluateSchedule(t.Context(), &handoffv1.EvaluateScheduleRequest{AgentId: "unknown"})
	requireCode(t, connect.CodeNotFound, err)
}

func TestOutOfServicePeriod(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startReceiver(t)
	zone, there := noonZone(t)
	settings := longSettings()
	s.configure("shop", r, func(request *handoffv1.ConfigureProviderRequest) { request.Settings = settings })
	open, _ := s.admin.request(t, "shop", "early bird")

	settings.TimeZone, settings.ServicePeriods = zone, []*handoffv1.ServicePeriod{today(there, "18:00", "23:00")}
	settings.Texts = map[string]*handoffv1.Texts{"de": {OutOfPeriodReply: "Ab sechs."}}
	s.settings("shop", settings)
	opening := time.Date(there.Year(), there.Month(), there.Day(), 18, 0, 0, 0, there.Location())
	declined := func(locale string) *handoffv1.Declined {
		t.Helper()
		answer, err := s.admin.RequestHandoff(t.Context(), &handoffv1.RequestHandoffRequest{
			AgentId: "shop", ConversationId: "conversation", Customer: &handoffv1.Customer{Locale: locale},
		})
		require.NoError(t, err)
		require.Equal(t, outOfPeriod.String(), answer.GetDeclined().GetReason().String())
		return answer.GetDeclined()
	}
	for locale, want := range map[string]string{
		"": "Sorry, nobody is here", "fr": "Sorry, nobody is here", "zh_Hans_CN": "抱歉，现在不在人工服务时间内", "de-AT": "Ab sechs.",
	} {
		d := declined(locale)
		assert.True(t, strings.HasPrefix(d.GetReply(), want), "%s: %s", locale, d.GetReply())
		assert.True(t, d.GetNextOpenTime().AsTime().Equal(opening), "%s", d.GetNextOpenTime().AsTime())
	}
	settings.OutOfPeriodReply = "After six."
	s.settings("shop", settings)
	assert.Equal(t, "After six.", declined("zh-CN").GetReply())
	assert.Equal(t, "Ab sechs.", declined("de").GetReply())

	same, _ := s.admin.request(t, "shop", "early bird")
	assert.Equal(t, open.GetId(), same.GetId(), "who is with a human stays there after hours")

	settings.ServicePeriods = []*handoffv1.ServicePeriod{custom("2024-12-12", "09:00", "12:00")}
	s.settings("shop", settings)
	assert.Nil(t, declined("").GetNextOpenTime(), "never again")

	settings.ServicePeriods = []*handoffv1.ServicePeriod{today(there, "08:00", "11:00"), today(there, "09:00", "18:00")}
	s.settings("shop", settings)
	s.admin.request(t, "shop", "conversation")
}

func TestStatusTellsTheSchedule(t *testing.T) {
	t.Parallel()
	s, r := startServer(t), startReceiver(t)
	zone, there := noonZone(t)
	s.configure("shop", r)
	status := s.status("shop")
	assert.True(t, status.GetInServicePeriod(), "without periods, always")
	assert.Equal(t, "00:00-24:00", spans(status.GetEffectiveWindows()))
	assert.Nil(t, status.GetNextOpenTime())
	assert.False(t, status.GetRequiresEmail())

	settings := &handoffv1.Settings{TimeZone: zone, ServicePeriods: []*handoffv1.ServicePeriod{
		today(there, "06:00", "09:00"), today(there, "08:00", "18:00"), today(there, "18:00", "20:00"),
		today(there.AddDate(0, 0, 1), "08:00", "18:00"),
	}}
	status = s.settings("shop", settings)
	assert.True(t, status.GetInServicePeriod())
	assert.Equal(t, "06:00-18:00 18:00-20:00", spans(status.GetEffectiveWindows()), "what touches stays apart")
	assert.Nil(t, status.GetNextOpenTime(), "absent while one runs")
	assert.True(t, status.GetRequiresEmail())

	settings.ServicePeriods = []*handoffv1.ServicePeriod{today(there, "06:00", "09:00"), today(there, "18:00", "20:00")}
	s.settings("shop", settings)
	status = s.status("shop")
	assert.False(t, status.GetInServicePeriod())
	assert.Equal(t, available, status.GetState(), "the provider can be used all the same")
	assert.Equal(t, 18, status.GetNextOpenTime().AsTime().In(there.Location()).Hour())

	settings.ClosedDates = []*handoffv1.ClosedDate{{Date: there.Format("01-02")}}
	status = s.settings("shop", settings)
	assert.False(t, status.GetInServicePeriod())
	assert.Empty(t, status.GetEffectiveWindows(), "a closed date empties the day")
	assert.Nil(t, status.GetNextOpenTime())
}

// TestInvalidSchedules names the field that is wrong, whoever finds it: the rules
// of the API or the calendar.
func TestInvalidSchedules(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	const monday = handoffv1.ServicePeriod_DAY_MONDAY
	s.settings("shop", &handoffv1.Settings{TimeZone: "Asia/Tokyo"})
	before := s.provider("shop")
	good := weekly("09:00", "17:00", monday)
	for field, settings := range map[string]*handoffv1.Settings{
		"settings.time_zone":                       {TimeZone: "Mars/Olympus"},
		"settings.service_periods[1].weekly":       {ServicePeriods: []*handoffv1.ServicePeriod{good, weekly("09:00", "09:00", monday)}},
		"settings.service_periods[0].weekly.start": {ServicePeriods: []*handoffv1.ServicePeriod{weekly("24:00", "09:00", monday)}},
		"settings.service_periods[0].weekly.end":   {ServicePeriods: []*handoffv1.ServicePeriod{weekly("09:00", "9:30", monday)}},
		"settings.service_periods[0].weekly.days":  {ServicePeriods: []*handoffv1.ServicePeriod{weekly("09:00", "17:00", monday, monday)}},
		"settings.service_periods[2].custom.date":  {ServicePeriods: []*handoffv1.ServicePeriod{good, good, custom("2026-02-29", "09:00", "17:00")}},
		"settings.service_periods[1].custom.date":  {ServicePeriods: []*handoffv1.ServicePeriod{good, custom("tomorrow", "09:00", "17:00")}},
		"settings.service_periods[0].period":       {ServicePeriods: []*handoffv1.ServicePeriod{{}}},
		"settings.service_periods":                 {ServicePeriods: []*handoffv1.ServicePeriod{good, good, good, good, good, good, good, good, good, good, good}},
		"settings.closed_dates[1].date":            {ClosedDates: []*handoffv1.ClosedDate{{Date: "02-29"}, {Date: "02-30"}}},
		"settings.closed_dates[0].date":            {ClosedDates: []*handoffv1.ClosedDate{{Date: "2025-02-29"}}},
		"settings.closed_dates":                    {ClosedDates: slices.Repeat([]*handoffv1.ClosedDate{{Date: "01-01"}}, 1001)},
	} {
		t.Run(field, func(t *testing.T) {
			_, err := s.admin.ConfigureProvider(t.Context(), &handoffv1.ConfigureProviderRequest{AgentId: "shop", Settings: settings})
			requireCode(t, connect.CodeInvalidArgument, err)
			assert.Contains(t, violations(t, err), field)
		})
	}
	after := s.provider("shop")
	assert.Equal(t, before.GetEtag(), after.GetEtag(), "nothing is saved")
	assert.Equal(t, "Asia/Tokyo", after.GetSettings().GetTimeZone())
}

// violations returns the messages of an error's buf.validate.Violations by field.
func violations(t *testing.T, err error) map[string]string {
	t.Helper()
	found := map[string]string{}
	var rpc *connect.Error
	require.ErrorAs(t, err, &rpc)
	for _, detail := range rpc.Details() {
		value, err := detail.Value()
		require.NoError(t, err)
		list, _ := value.(*validate.Violations)
		for _, violation := range list.GetViolations() {
			var path []string
			for _, element := range violation.GetField().GetElements() {
				name := element.GetFieldName()
				if element.GetSubscript() != nil {
					name += fmt.Sprintf("[%d]", element.GetIndex())
				}
				path = append(path, name)
			}
			found[strings.Join(path, ".")] = violation.GetMessage()
		}
	}
	return found
}

// holidays is a calendar of a day of every year and of one day alone.
const holidays = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\n" +
	"BEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20240101T000000Z\r\nDTSTART;VALUE=DATE:20191225\r\nRRULE:FREQ=YEARLY\r\nSUMMARY:Christmas\r\nEND:VEVENT\r\n" +
	"BEGIN:VEVENT\r\nUID:2\r\nDTSTAMP:20240101T000000Z\r\nDTSTART;VALUE=DATE:20241212\r\nSUMMARY:Outing\\, all day\r\nEND:VEVENT\r\n" +
	"END:VCALENDAR\r\n"

// TestImportClosedDates does it as curl would.
func TestImportClosedDates(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	calendar, err := json.Marshal(holidays)
	require.NoError(t, err)
	load := func(rest string) (int, string) {
		t.Helper()
		return s.admin.post(t, handoffv1connect.HandoffServiceImportClosedDatesProcedure, `{"agentId":"shop","calendar":`+string(calendar)+rest+`}`)
	}
	status, body := load("")
	assert.Equal(t, http.StatusNotFound, status, body)
	s.settings("shop", &handoffv1.Settings{ClosedDates: []*handoffv1.ClosedDate{{Date: "2024-12-12", Note: "ours"}, {Date: "2024-01-01"}}})
	dates := func(body string) []string {
		t.Helper()
		answer := &handoffv1.ImportClosedDatesResponse{}
		require.NoError(t, protojson.Unmarshal([]byte(body), answer), body)
		all := []string{fmt.Sprint("+", answer.GetAdded())}
		for _, d := range answer.GetClosedDates() {
			all = append(all, d.GetDate()+" "+d.GetNote())
		}
		return all
	}
	status, body = load(`,"from":"2024-12-01","validateOnly":true`)
	require.Equal(t, http.StatusOK, status, body)
	merged := []string{"+1", "12-25 Christmas", "2024-01-01 ", "2024-12-12 ours"}
	assert.Equal(t, merged, dates(body))
	assert.Len(t, s.provider("shop").GetSettings().GetClosedDates(), 2, "validate_only stores nothing")

	status, body = load(`,"from":"2024-12-01","etag":"` + s.provider("shop").GetEtag() + `"`)
	require.Equal(t, http.StatusOK, status, body)
	assert.Equal(t, merged, dates(body))
	assert.Len(t, s.provider("shop").GetSettings().GetClosedDates(), 3)
	_, body = load(`,"from":"2024-12-01","to":"2024-12-31","replace":true`)
	assert.Equal(t, []string{"+2", "12-25 Christmas", "2024-12-12 Outing, all day"}, dates(body))

	evaluated, err := s.admin.EvaluateSchedule(t.Context(), &handoffv1.EvaluateScheduleRequest{
		AgentId: "shop", Time: timestamppb.New(time.Date(2031, 12, 25, 12, 0, 0, 0, time.UTC)),
	})
	require.NoError(t, err)
	assert.Equal(t, "CLOSED_DATE", evaluated.GetReasonCode(), "of every year")
	assert.Contains(t, evaluated.GetReason(), "Christmas")

	_, body = load(`,"etag":"old"`)
	assert.Equal(t, "aborted", errorCode(body))
	_, err = s.admin.ImportClosedDates(t.Context(), &handoffv1.ImportClosedDatesRequest{
		AgentId: "shop", Calendar: strings.Replace(holidays, "20241212", "20241399", 1),
	})
	requireCode(t, connect.CodeInvalidArgument, err)
	assert.Contains(t, violations(t, err)["calendar"], "Outing", "it names the event")
	assert.Len(t, s.provider("shop").GetSettings().GetClosedDates(), 2)
}
