//go:build !linux

package main

import "errors"

func canBecome(account) (bool, error) { return false, errors.New("-u works on Linux only") }

func (account) become() error { return errors.ErrUnsupported }

func keepName() {}
