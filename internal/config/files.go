package config

import (
	"fmt"
	"mime"
	"os"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/human-handoff/handoff/internal/files"
	"github.com/human-handoff/handoff/internal/handoff"
)

// FileFlags say where files lie and which are taken.
type FileFlags struct {
	Files         string `env:"HANDOFF_FILES" help:"Where files lie: a folder, or s3://BUCKET/PREFIX?endpoint=URL&region=REGION with keys from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (default: a folder beside the database)." placeholder:"FOLDER|URL"`
	FileMaxSize   string `default:"25MiB" env:"HANDOFF_FILE_MAX_SIZE" help:"The largest file that is taken: from 1KiB to 25MiB." placeholder:"SIZE"`
	FileTypes     string `env:"HANDOFF_FILE_TYPES" help:"Which types of files are taken, as their content shows: a comma list such as image/*,application/pdf (default: all)." placeholder:"TYPES"`
	FileRetention string `env:"HANDOFF_FILE_RETENTION" help:"How long a file is kept after it came: from 24h (default: as long as its session)." placeholder:"DURATION"`
}

// Files is what the flags of files say.
type Files struct {
	Folder string           // where they lie, unless in S3
	S3     *files.S3Options // nil = in the folder
	Limits files.Limits
}

const (
	// filesSuffix names the folder of files, beside the database.
	filesSuffix  = ".files"
	minFileSize  = 1 << 10
	minRetention = 24 * time.Hour
)

func (f FileFlags) check(databasePath string) (c Files, err error) {
	if c.Folder, c.S3, err = f.place(databasePath); err != nil {
		return Files{}, err
	}
	if c.Limits.MaxBytes, err = checkFileSize(f.FileMaxSize); err != nil {
		return Files{}, err
	}
	if c.Limits.Types, err = checkFileTypes(f.FileTypes); err != nil {
		return Files{}, err
	}
	if f.FileRetention == "" {
		return c, nil
	}
	c.Limits.KeepFor, err = time.ParseDuration(f.FileRetention)
	if err != nil || c.Limits.KeepFor < minRetention {
		return Files{}, &Error{"file-retention", "HANDOFF_FILE_RETENTION", fmt.Sprintf("%q is not a duration of at least %s, for instance 720h", f.FileRetention, minRetention)}
	}
	return c, nil
}

// place says where files lie: in a folder, or in a bucket.
func (f FileFlags) place(databasePath string) (folder string, bucket *files.S3Options, err error) {
	problem := func(text string) error { return &Error{"files", "HANDOFF_FILES", text} }
	switch {
	case f.Files == "":
		return databasePath + filesSuffix, nil, nil
	case !strings.Contains(f.Files, "://"):
		if info, err := os.Stat(f.Files); err == nil && !info.IsDir() {
			return "", nil, problem(f.Files + " is a file, not a folder")
		}
		return f.Files, nil, nil
	}
	o, err := files.ParseS3(f.Files)
	if err != nil {
		return "", nil, problem(err.Error())
	}
	o.AccessKey, o.SecretKey = os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY")
	if o.AccessKey == "" || o.SecretKey == "" {
		return "", nil, problem("a bucket needs the variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	}
	return "", &o, nil
}

func checkFileSize(given string) (int64, error) {
	if given == "" { // as embedded programs may leave it
		return handoff.MaxFileBytes, nil
	}
	n, err := humanize.ParseBytes(given)
	if err != nil || n < minFileSize || n > handoff.MaxFileBytes {
		return 0, &Error{"file-max-size", "HANDOFF_FILE_MAX_SIZE", fmt.Sprintf("%q is not a size from 1KiB to 25MiB", given)}
	}
	return int64(n), nil
}

// checkFileTypes reads media types, and beginnings of them that are written image/*.
func checkFileTypes(given string) ([]string, error) {
	if given == "" {
		return nil, nil
	}
	var types []string
	for one := range strings.SplitSeq(given, ",") {
		one = strings.ToLower(strings.TrimSpace(one))
		name, parameters, err := mime.ParseMediaType(one)
		kind, sort, whole := strings.Cut(name, "/")
		if err != nil || len(parameters) > 0 || !whole || kind == "*" || sort != "*" && strings.Contains(sort, "*") {
			return nil, &Error{"file-types", "HANDOFF_FILE_TYPES", fmt.Sprintf("%q is neither a media type such as application/pdf nor the first half of some, such as image/*", one)}
		}
		types = append(types, strings.TrimSuffix(name, "*"))
	}
	return types, nil
}
