package bridge

import (
	"context"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settle is how long files must be left alone before they are read: editors and
// volume mounts write in several steps.
const settle = 200 * time.Millisecond

// watch reloads when a file changes, until ctx ends. Folders are watched, not files,
// since a file that is replaced by another is no longer the one that is watched.
func (s *Server) watch(ctx context.Context) {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		s.logger.WarnContext(ctx, "changes of files are not noticed; send SIGHUP after a change", "error", err)
		return
	}
	defer watcher.Close()
	timer := time.NewTimer(0) // what has changed since the start is read, too
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case event := <-watcher.Events:
			if s.concerns(event.Name) {
				timer.Reset(settle)
			}
		case err := <-watcher.Errors:
			s.logger.WarnContext(ctx, "a change may have been missed; send SIGHUP after it", "error", err)
			timer.Reset(settle)
		case <-timer.C:
			s.watchFolders(watcher)
			_ = s.Reload(ctx) // tells by itself what is wrong
		}
	}
}

// watchFolders watches the folders of the files that the document in use names.
func (s *Server) watchFolders(watcher *fsnotify.Watcher) {
	for _, folder := range s.folders() {
		if slices.Contains(watcher.WatchList(), folder) {
			continue
		}
		if err := watcher.Add(folder); err != nil {
			s.logger.Warn("a folder is not watched; send SIGHUP after a change", "folder", folder, "error", err)
		}
	}
}

// mounted is the link that Kubernetes points elsewhere when it changes the files of a
// volume.
const mounted = "..data"

// concerns reports whether a change in a watched folder may be one of what is read:
// an audit log in the same folder changes all the time.
func (s *Server) concerns(path string) bool {
	return filepath.Base(path) == mounted || slices.Contains(s.files(), filepath.Clean(path))
}

// files returns what the document in use is made of, and where links lead.
func (s *Server) files() []string {
	named := []string{s.cfg.File}
	if s.certs != nil {
		named = append(named, s.certs.cert, s.certs.key)
	}
	for _, p := range passwords(s.now.Load().config) {
		if p.File != "" {
			named = append(named, p.File)
		}
	}
	var files []string
	for _, f := range named {
		files = append(files, filepath.Clean(f))
		if real, err := filepath.EvalSymlinks(f); err == nil {
			files = append(files, real)
		}
	}
	slices.Sort(files)
	return slices.Compact(files)
}

func (s *Server) folders() []string {
	var folders []string
	for _, f := range s.files() {
		folders = append(folders, filepath.Dir(f))
	}
	slices.Sort(folders)
	return slices.Compact(folders)
}
