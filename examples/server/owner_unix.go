//go:build unix

package main

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// keepOwner gives a file the owner and the group of the one that it replaces.
func keepOwner(file *os.File, before fs.FileInfo) error {
	now, err := file.Stat()
	if err != nil {
		return err
	}
	was, known := before.Sys().(*syscall.Stat_t)
	is, same := now.Sys().(*syscall.Stat_t)
	if !known || !same || was.Uid == is.Uid && was.Gid == is.Gid {
		return nil
	}
	if err := file.Chown(int(was.Uid), int(was.Gid)); err != nil {
		return fmt.Errorf("the file belongs to the user %d and the group %d and cannot stay theirs. Run the command as its owner: %w", was.Uid, was.Gid, err)
	}
	return nil
}
