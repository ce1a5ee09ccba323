package seal

// SetWork makes sealing, and opening what was sealed, cheaper or dearer.
func (p *Passphrase) SetWork(factor int) { p.work = factor }
