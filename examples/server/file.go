package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/scimcrowd/scimcrowd/backup"
)

// writeFile puts a file in the place of another, whole or not at all, readable for
// its owner alone unless the one that is there is readable for others. Its owner stays:
// whoever serves must be able to read what root has changed.
func writeFile(path string, write func(io.Writer) error) error {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	mode := fs.FileMode(0o600)
	before, err := os.Stat(path)
	if err == nil {
		mode = before.Mode().Perm()
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	err = write(file)
	if err == nil && before != nil {
		err = keepOwner(file, before)
	}
	if err == nil {
		err = file.Chmod(mode)
	}
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

// change reads the configuration, changes it and writes it, unless somebody else has
// written it meanwhile. A server that runs on it takes the change up by itself.
func (a *app) change(change func(*backup.Config) error) error {
	before, err := os.ReadFile(a.config)
	if err != nil {
		return fmt.Errorf("the configuration cannot be read. Name another file with --config, or make one with init: %w", err)
	}
	c, err := backup.Read(bytes.NewReader(before))
	if err != nil {
		return err
	}
	if err := change(c); err != nil {
		return err
	}
	now, err := os.ReadFile(a.config)
	if err != nil || !bytes.Equal(now, before) {
		return errors.Join(errors.New("the configuration was changed by somebody else meanwhile. Run the command again"), err)
	}
	return writeFile(a.config, func(w io.Writer) error { return backup.Write(w, c) })
}

// input reads a file, or standard input where it is named "-".
func (a *app) input(path string) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(a.in)
	}
	return os.ReadFile(path)
}

// output writes to a file, or to standard output where it is named "-".
func (a *app) output(path string, write func(io.Writer) error) error {
	if path == "-" {
		return write(a.out)
	}
	return writeFile(path, write)
}
