package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"

	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/groupsync/audit"
)

// An auditLog appends events to a file. One process may write to a file at a time.
type auditLog struct {
	file   *os.File
	writer *audit.Writer
	logger *slog.Logger
	told   sync.Once
}

// openAudit opens a log to go on with. Half a record that a crash has left is cut
// off.
func openAudit(path string, logger *slog.Logger) (*auditLog, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("the audit log cannot be opened. Name another file with --audit: %w", err)
	}
	head, err := audit.Last(file)
	if torn, ok := errors.AsType[*audit.Error](err); ok && torn.Torn {
		logger.Warn("the audit log ended within a record, which is lost", "file", path)
		err = file.Truncate(torn.Offset)
	}
	if err == nil {
		_, err = file.Seek(0, io.SeekEnd)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the audit log %s cannot be continued. Keep it, and name another file with --audit: %w", path, err), file.Close())
	}
	return &auditLog{file: file, writer: audit.NewWriter(file, head), logger: logger}, nil
}

// Observe writes an event. Serving goes on where that fails, and it is told once.
func (l *auditLog) Observe(ctx context.Context, e groupsync.Event) {
	l.writer.Observe(ctx, e)
	if err := l.writer.Err(); err != nil {
		l.told.Do(func() { l.logger.Error("nothing more is written to the audit log", "error", err) })
	}
}

// Close closes the file.
func (l *auditLog) Close() error { return l.file.Close() }
