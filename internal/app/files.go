package app

import (
	"context"
	"time"

	"github.com/human-handoff/handoff/internal/config"
	"github.com/human-handoff/handoff/internal/egress"
	"github.com/human-handoff/handoff/internal/files"
	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/seal"
)

// openBucket opens the bucket where files lie; nil if they lie in a folder.
func openBucket(ctx context.Context, c config.Config) (files.Store, error) {
	if c.Files.S3 == nil {
		return nil, nil //nolint:nilnil // there is none, as the comment says
	}
	bucket, err := files.NewS3(ctx, *c.Files.S3)
	if err != nil {
		return nil, filesError(err)
	}
	return bucket, nil
}

// openFiles opens where files lie. It comes after the database, which one server
// alone has, for what the last one left behind in a folder is deleted.
func (a *App) openFiles(contents files.Store, sealer *seal.Sealer) (*files.Service, error) {
	if contents == nil {
		var err error
		if contents, err = files.NewDisk(a.config.Files.Folder); err != nil {
			return nil, filesError(err)
		}
	}
	a.filesOut = egress.New(egress.Options{AllowPrivate: a.config.AllowPrivate, MaxBodyBytes: handoff.MaxFileBytes + 1})
	return files.New(files.Config{
		Records: a.store, Contents: contents, Limits: a.config.Files.Limits, Sealer: sealer,
		ReadKeys: sealer.MACKeys(files.ReadLabel), PutKeys: sealer.MACKeys(files.PutLabel),
		BaseURL: a.baseURL(), HTTP: a.filesOut.Client(), NewID: NewID, Now: time.Now, Logger: a.log,
	}), nil
}

func filesError(err error) error {
	return &config.Error{Flag: "files", Env: "HANDOFF_FILES", Problem: err.Error()}
}

// degrade returns a message as a provider can carry it.
func (a *App) degrade(provider string, m handoff.Message) (degraded handoff.Message, note string) {
	return handoff.Degrade(m, a.agents.Capabilities(provider), a.files.Link)
}
