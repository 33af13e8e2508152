// Package config turns flags and environment variables into a checked
// configuration. It touches nothing: what is wrong is found before anything is
// created.
package config

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/human-handoff/handoff/internal/auth"
	"github.com/human-handoff/handoff/internal/seal"
)

// Error is a configuration that cannot work. Its text is one line that names
// the flag and the variable.
type Error struct {
	Flag, Env string
	Problem   string
}

// Error returns the line to show.
func (e *Error) Error() string {
	return fmt.Sprintf("--%s (%s): %s", e.Flag, e.Env, e.Problem)
}

// Database is where the state lives, as commands that open it take it.
type Database struct {
	Database string `default:"sqlite://handoff.db" env:"HANDOFF_DATABASE" help:"Where the state lives: sqlite://PATH (postgres://… is not built yet)." placeholder:"URL"`
}

// Path returns the path of the SQLite database.
func (d Database) Path() (string, error) {
	if strings.HasPrefix(d.Database, "postgres://") || strings.HasPrefix(d.Database, "postgresql://") {
		return "", d.problem("PostgreSQL is not built yet; use sqlite://PATH")
	}
	path, ok := strings.CutPrefix(d.Database, "sqlite://")
	switch {
	case !ok:
		return "", d.problem("%q is not a database; use sqlite://PATH, for example sqlite://handoff.db", d.Database)
	case path == "":
		return "", d.problem("a path is missing; use sqlite://PATH, for example sqlite://handoff.db")
	case strings.ContainsAny(path, "?#"):
		return "", d.problem("the path may not contain ? or #; the database's settings are the program's business")
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return "", d.problem("%s is a folder; name a file in it, for example sqlite://%s/handoff.db", path, strings.TrimSuffix(path, "/"))
	}
	return path, nil
}

func (d Database) problem(format string, args ...any) error {
	return &Error{Flag: "database", Env: "HANDOFF_DATABASE", Problem: fmt.Sprintf(format, args...)}
}

// Flags is what `handoff serve` takes. The struct tags are the one place where
// names, variables and defaults stand.
type Flags struct {
	Database `embed:""`

	Listen    string `default:"127.0.0.1:8080" env:"HANDOFF_LISTEN" help:"Address of the one port: RPC, webhooks, health. Port 0 picks a free one." placeholder:"HOST:PORT"`
	PublicURL string `env:"HANDOFF_PUBLIC_URL" help:"Base of the receive URLs that providers call (default: http:// and the listen address)." name:"public-url" placeholder:"URL"`
	NATS      string `env:"HANDOFF_NATS" help:"NATS URLs for wake-ups between nodes; needs a postgres database." name:"nats" placeholder:"URL,…"`

	AdminKey          string `env:"HANDOFF_ADMIN_KEY" help:"A key of scope admin, at least 20 characters, valid as long as it is given (default: made at the first start)." placeholder:"KEY"`
	AdminKeyFile      string `env:"HANDOFF_ADMIN_KEY_FILE" help:"A file that holds the admin key." placeholder:"FILE"`
	EncryptionKey     string `env:"HANDOFF_ENCRYPTION_KEY" help:"32 bytes in base64 that seal the providers' settings; a comma list: the first seals, all open (default: a key file beside the database)." placeholder:"KEY,…"`
	EncryptionKeyFile string `env:"HANDOFF_ENCRYPTION_KEY_FILE" help:"A file that holds the encryption key." placeholder:"FILE"`

	AllowPrivateDestinations bool      `env:"HANDOFF_ALLOW_PRIVATE_DESTINATIONS" help:"Let providers' URLs resolve to loopback, private and link-local addresses."`
	File                     FileFlags `embed:""`
	RetryHorizon             string    `default:"24h" env:"HANDOFF_RETRY_HORIZON" help:"How long a message that does not get through is tried again before it fails: from 1s to 720h." placeholder:"DURATION"`
	MetricsListen            string    `env:"HANDOFF_METRICS_LISTEN" help:"A second address with /metrics and pprof, without a key (default: /metrics on the main port, for admin keys)." placeholder:"HOST:PORT"`
	LogFormat                string    `env:"HANDOFF_LOG_FORMAT" help:"Logs on stderr as text or json (default: text on a terminal, else json)." placeholder:"text|json"`
}

// Config is a configuration that was checked.
type Config struct {
	Listen         string
	DatabasePath   string
	PublicURL      string   // empty = http:// and the real listen address
	AdminKey       string   // empty = made at the first start
	EncryptionKeys [][]byte // empty = from the key file beside the database
	AllowPrivate   bool
	RetryHorizon   time.Duration
	Files          Files
	MetricsListen  string // empty = none
	JSONLogs       bool
}

// Check turns flags into a Config. stderrIsTerminal decides the default log format.
func (f Flags) Check(stderrIsTerminal bool) (Config, error) {
	path, err := f.Path()
	if err != nil {
		return Config{}, err
	}
	c := Config{Listen: f.Listen, DatabasePath: path, AllowPrivate: f.AllowPrivateDestinations, MetricsListen: f.MetricsListen}
	if f.NATS != "" {
		return Config{}, &Error{"nats", "HANDOFF_NATS", "wake-ups between nodes need a postgres database, which is not built yet; leave it out"}
	}
	if err := checkAddress("listen", "HANDOFF_LISTEN", f.Listen); err != nil {
		return Config{}, err
	}
	if f.MetricsListen != "" {
		if err := checkAddress("metrics-listen", "HANDOFF_METRICS_LISTEN", f.MetricsListen); err != nil {
			return Config{}, err
		}
	}
	if c.PublicURL, err = checkPublicURL(f.PublicURL); err != nil {
		return Config{}, err
	}
	if c.AdminKey, err = f.adminKey(); err != nil {
		return Config{}, err
	}
	if c.EncryptionKeys, err = f.encryptionKeys(); err != nil {
		return Config{}, err
	}
	if c.RetryHorizon, err = checkRetryHorizon(f.RetryHorizon); err != nil {
		return Config{}, err
	}
	if c.Files, err = f.File.check(path); err != nil {
		return Config{}, err
	}
	c.JSONLogs, err = f.jsonLogs(stderrIsTerminal)
	return c, err
}

func checkAddress(flag, env, address string) error {
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return &Error{flag, env, fmt.Sprintf("%q is not HOST:PORT, for example 127.0.0.1:8080", address)}
	}
	return nil
}

func checkPublicURL(given string) (string, error) {
	if given == "" {
		return "", nil
	}
	u, err := url.Parse(given)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return "", &Error{"public-url", "HANDOFF_PUBLIC_URL", fmt.Sprintf("%q is not the base of an URL, for example https://handoff.example.com", given)}
	}
	return strings.TrimRight(given, "/"), nil
}

const (
	defaultRetryHorizon = 24 * time.Hour
	minRetryHorizon     = time.Second
	maxRetryHorizon     = 720 * time.Hour
)

func checkRetryHorizon(given string) (time.Duration, error) {
	if given == "" { // by whoever makes Flags without a command line
		return defaultRetryHorizon, nil
	}
	d, err := time.ParseDuration(given)
	if err != nil || d < minRetryHorizon || d > maxRetryHorizon {
		return 0, &Error{"retry-horizon", "HANDOFF_RETRY_HORIZON", fmt.Sprintf("%q is not a duration from 1s to 720h, for example 24h", given)}
	}
	return d, nil
}

func (f Flags) adminKey() (string, error) {
	key, err := fromFile("admin-key", "HANDOFF_ADMIN_KEY", f.AdminKey, f.AdminKeyFile)
	if err != nil {
		return "", err
	}
	if key != "" && len(key) < auth.MinAdminKey {
		return "", &Error{"admin-key", "HANDOFF_ADMIN_KEY", fmt.Sprintf("the key has %d characters; it needs at least %d", len(key), auth.MinAdminKey)}
	}
	return key, nil
}

func (f Flags) encryptionKeys() ([][]byte, error) {
	list, err := fromFile("encryption-key", "HANDOFF_ENCRYPTION_KEY", f.EncryptionKey, f.EncryptionKeyFile)
	if err != nil || list == "" {
		return nil, err
	}
	keys, err := seal.ParseKeys(list)
	if err != nil {
		return nil, &Error{"encryption-key", "HANDOFF_ENCRYPTION_KEY", err.Error()}
	}
	return keys, nil
}

// fromFile returns a secret that is given directly or in a file, not both.
func fromFile(flag, env, direct, file string) (string, error) {
	if file == "" {
		return direct, nil
	}
	flag, env = flag+"-file", env+"_FILE"
	if direct != "" {
		return "", &Error{flag, env, "the secret is given twice, directly and in a file; give one"}
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return "", &Error{flag, env, err.Error()}
	}
	secret := strings.TrimSpace(string(content))
	if secret == "" {
		return "", &Error{flag, env, file + " is empty"}
	}
	return secret, nil
}

func (f Flags) jsonLogs(stderrIsTerminal bool) (bool, error) {
	switch f.LogFormat {
	case "":
		return !stderrIsTerminal, nil
	case "text", "json":
		return f.LogFormat == "json", nil
	}
	return false, &Error{"log-format", "HANDOFF_LOG_FORMAT", fmt.Sprintf("%q is not a format; use text or json", f.LogFormat)}
}
