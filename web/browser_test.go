package web_test

import (
	"bytes"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/human-handoff/handoff/web"
)

// run runs a command in a folder and shows what it said when it fails.
func run(t *testing.T, dir string, env []string, name string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s %v: %s", name, args, out)
}

// install brings the packages of the lock file; scripts/setup.sh brings node and chromium.
func install(t *testing.T) {
	t.Helper()
	for _, name := range []string{"node", "npm"} {
		_, err := exec.LookPath(name)
		require.NoError(t, err, "run scripts/setup.sh, which installs what the tests need")
	}
	lock, err := os.ReadFile("package-lock.json")
	require.NoError(t, err)
	stamp := filepath.Join("node_modules", ".installed")
	if done, err := os.ReadFile(stamp); err == nil && bytes.Equal(done, lock) {
		return
	}
	run(t, ".", nil, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	require.NoError(t, os.WriteFile(stamp, lock, 0o600))
}

// The pages in dist are what the sources make, byte for byte.
func TestDistIsFresh(t *testing.T) {
	install(t)
	fresh := t.TempDir()
	run(t, ".", nil, "npx", "--no-install", "vite", "build", "--outDir", fresh, "--emptyOutDir")
	run(t, ".", nil, "npx", "--no-install", "vite", "build", "--config", "vite.widget.config.ts", "--outDir", fresh)
	require.Equal(t, files(t, fresh), files(t, "dist"), "run `make web` and commit web/dist")
}

func files(t *testing.T, root string) map[string]string {
	t.Helper()
	found := map[string]string{}
	require.NoError(t, fs.WalkDir(os.DirFS(root), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(filepath.Join(root, path))
		found[path] = string(content)
		return err
	}))
	return found
}

// The parts of the pages that can go wrong without a browser: what is kept while
// offline, and the stream that resumes.
func TestParts(t *testing.T) {
	install(t)
	run(t, ".", nil, "npm", "run", "check") // the types, those of the client's examples too
	run(t, ".", nil, "npm", "test")
}

func TestInBrowsers(t *testing.T) {
	install(t)
	_, err := os.Stat("/usr/bin/chromium")
	require.NoError(t, err, "run scripts/setup.sh, which installs what the tests need")
	binary := filepath.Join(t.TempDir(), "handoff")
	run(t, "..", nil, "go", "build", "-o", binary, "./cmd/handoff")
	run(t, ".", []string{"HANDOFF_BIN=" + binary}, "npm", "run", "e2e")
}

func TestPages(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	web.Pages{Origins: origins{}}.Mount(mux)
	for _, path := range []string{"/", "/chat?agent=a", "/desk"} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		require.Equal(t, http.StatusOK, w.Code, path)
		require.Contains(t, w.Header().Get("Content-Security-Policy"), "default-src 'none'; script-src 'self'")
		require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
		require.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
		require.NotContains(t, w.Body.String(), "<script>", "no script stands in a page")
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/assets/nothing.js", nil))
	require.Equal(t, http.StatusNotFound, w.Code)
}
