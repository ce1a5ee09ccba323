package mapping

import "strings"

// nearest returns the candidate that is most like s, or "" if none is close enough to have been meant.
func nearest(s string, candidates []string) string {
	s = strings.ToLower(s)
	best, distance := "", max(1, min(3, len(s)/3))+1
	for _, c := range candidates {
		if d := editDistance(s, strings.ToLower(c), distance); d < distance {
			best, distance = c, d
		}
	}
	return best
}

// editDistance counts the letters to insert, drop, change or exchange with their neighbour to make b of a; limit
// stands for it and all beyond.
func editDistance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	before, row, next := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next[0] = i + 1
		for j := range len(b) {
			change := row[j]
			if a[i] != b[j] {
				change++
			}
			next[j+1] = min(change, row[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row, next = row, next, before
	}
	return min(row[len(b)], limit)
}
