// Package migrations holds the SQL that makes the store's tables, a folder for
// each dialect. A file is named NNNN_what.sql; its number is the version that the
// database has afterwards. Files that were released never change: atlas.sum
// beside them notices. Package plan writes the next ones from the ent schema.
package migrations

import (
	"cmp"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

//go:embed sqlite/*.sql postgres/*.sql
var files embed.FS

// Migration is one step from a version of the tables to the next.
type Migration struct {
	Version int
	Name    string
	SQL     string
}

// For returns the migrations of a dialect ("sqlite" or "postgres"), the oldest
// first. The error tells of a dialect or a file name that makes no sense.
func For(dialect string) ([]Migration, error) {
	return read(files, dialect)
}

// Latest returns the version that the last of some migrations leads to; 0 if there are none.
func Latest(migrations []Migration) int {
	if len(migrations) == 0 {
		return 0
	}
	return migrations[len(migrations)-1].Version
}

func read(fsys fs.FS, folder string) ([]Migration, error) {
	entries, err := fs.ReadDir(fsys, folder)
	if err != nil {
		return nil, fmt.Errorf("migrations of %s: %w", folder, err)
	}
	migrations := make([]Migration, 0, len(entries))
	for _, e := range entries {
		number, name, ok := strings.Cut(strings.TrimSuffix(e.Name(), ".sql"), "_")
		version, err := strconv.Atoi(number)
		if !ok || err != nil || version < 1 {
			return nil, fmt.Errorf("migrations of %s: %q is not named NNNN_what.sql", folder, e.Name())
		}
		sql, err := fs.ReadFile(fsys, path.Join(folder, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("migrations of %s: %w", folder, err)
		}
		migrations = append(migrations, Migration{Version: version, Name: name, SQL: string(sql)})
	}
	slices.SortFunc(migrations, func(a, b Migration) int { return cmp.Compare(a.Version, b.Version) })
	for i := 1; i < len(migrations); i++ {
		if migrations[i].Version == migrations[i-1].Version {
			return nil, fmt.Errorf("migrations of %s: two have the number %d", folder, migrations[i].Version)
		}
	}
	return migrations, nil
}
