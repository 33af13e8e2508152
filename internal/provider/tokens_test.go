package provider_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/internal/provider"
)

func TestTokensAreRenewedByOneCallerAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tokens := provider.NewTokens(time.Now)
		var mu sync.Mutex
		made, atOnce, most := 0, 0, 0
		renew := func(context.Context) (provider.Token, error) {
			mu.Lock()
			made++
			atOnce++
			most = max(most, atOnce)
			value := "token " + strconv.Itoa(made)
			mu.Unlock()
			<-time.After(time.Second)
			mu.Lock()
			defer mu.Unlock()
			atOnce--
			return provider.Token{Value: value, Expires: time.Now().Add(time.Hour)}, nil
		}
		get := func(key string) string {
			value, err := tokens.Get(t.Context(), key, renew)
			assert.NoError(t, err)
			return value
		}
		var group sync.WaitGroup
		for range 100 {
			group.Go(func() { assert.Equal(t, "token 1", get("a")) })
		}
		group.Wait()
		assert.Equal(t, 1, most)

		<-time.After(54 * time.Minute)
		assert.Equal(t, "token 1", get("a"))
		<-time.After(2 * time.Minute)
		assert.Equal(t, "token 2", get("a"), "a while before its end it is renewed")

		tokens.Drop("a", "token 1")
		assert.Equal(t, "token 2", get("a"), "what was refused is no longer the one")
		tokens.Drop("a", "token 2")
		assert.Equal(t, "token 3", get("a"))
		assert.Equal(t, "token 4", get("b"), "another key")
		tokens.Put("b", provider.Token{Value: "given"})
		<-time.After(24 * time.Hour)
		assert.Equal(t, "given", get("b"))
	})
}

func TestTokensAfterAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tokens := provider.NewTokens(time.Now)
		refused := errors.New("refused")
		_, err := tokens.Get(t.Context(), "a", func(context.Context) (provider.Token, error) { return provider.Token{}, refused })
		require.ErrorIs(t, err, refused)

		// One who hangs holds nobody for longer than they want to wait.
		release := make(chan struct{})
		go func() {
			_, _ = tokens.Get(t.Context(), "a", func(context.Context) (provider.Token, error) {
				<-release
				return provider.Token{Value: "late"}, nil
			})
		}()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = tokens.Get(ctx, "a", nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		close(release)
		value, err := tokens.Get(t.Context(), "a", nil)
		require.NoError(t, err)
		require.Equal(t, "late", value)

		var none *provider.Tokens
		value, err = none.Get(t.Context(), "a", func(context.Context) (provider.Token, error) { return provider.Token{Value: "x"}, nil })
		require.NoError(t, err)
		require.Equal(t, "x", value)
	})
}
