package restapi_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/provider/restapi"
)

func TestIDs(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		`17`: "17", `"17"`: "17", `"a-b"`: "a-b", `null`: "", `0`: "", `""`: "", `{"id":1}`: "", `[1]`: "", `"a\nb"`: "",
	} {
		id := restapi.ID("before")
		require.NoError(t, json.Unmarshal([]byte(data), &id), data)
		assert.Equal(t, want, string(id), data)
	}
}
