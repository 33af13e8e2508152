package wire

import (
	"fmt"
	"strings"
	"testing"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"connectrpc.com/connect"
	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/rpc/errdetails"

	"github.com/human-handoff/handoff/internal/handoff"
)

// pathText writes a path as protovalidate's clients do.
func pathText(p *validate.FieldPath) string {
	var parts []string
	for _, e := range p.GetElements() {
		part := e.GetFieldName()
		if e.GetSubscript() != nil {
			part += fmt.Sprintf("[%d]", e.GetIndex())
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ".")
}

func TestFieldPath(t *testing.T) {
	t.Parallel()
	for _, path := range []string{
		"calendar", "settings.time_zone", "settings.service_periods[1].weekly.end", "settings.closed_dates[999].date",
		"settings.service_periods[0].weekly.days[6]",
	} {
		require.Equal(t, path, pathText(fieldPath(path)))
	}
	p := fieldPath("settings.service_periods[1].weekly")
	require.Len(t, p.GetElements(), 3)
	require.Equal(t, "service_periods", p.GetElements()[1].GetFieldName())
	require.EqualValues(t, 1, p.GetElements()[1].GetIndex())
	require.Nil(t, p.GetElements()[0].GetSubscript(), "only a list has an index")
	require.Nil(t, p.GetElements()[2].GetSubscript())
}

// violationsOf returns the fields and messages of an error's Violations, as a
// client reads them.
func violationsOf(t *testing.T, e *connect.Error) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, d := range e.Details() {
		value, err := d.Value()
		require.NoError(t, err)
		if list, ok := value.(*validate.Violations); ok {
			for _, v := range list.GetViolations() {
				found[pathText(v.GetField())] = v.GetMessage()
			}
		}
	}
	return found
}

func TestErrorCarriesViolations(t *testing.T) {
	t.Parallel()
	fault := handoff.Errorf(handoff.CodeInvalid, "BAD_SCHEDULE", "settings: %s", "two faults")
	require.Empty(t, violationsOf(t, Error(fault)))
	require.Len(t, Error(fault).Details(), 1, "no empty list")

	fault.Violations = []handoff.Violation{
		{Field: "settings.time_zone", Problem: "unknown"}, {Field: "settings.service_periods[1].weekly.end", Problem: "it equals the start"},
	}
	e := Error(fault)
	require.Equal(t, connect.CodeInvalidArgument, e.Code())
	require.Equal(t, map[string]string{
		"settings.time_zone": "unknown", "settings.service_periods[1].weekly.end": "it equals the start",
	}, violationsOf(t, e))
	value, err := e.Details()[0].Value()
	require.NoError(t, err)
	info, ok := value.(*errdetails.ErrorInfo)
	require.True(t, ok, "the reason comes first")
	require.Equal(t, "BAD_SCHEDULE", info.GetReason())
}
