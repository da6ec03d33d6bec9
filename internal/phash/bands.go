package phash

// Bands is the number of parts of a hash that an index is made of. Three make
// bands so long that among a million pictures hardly any share one by chance.
const Bands = 3

// bandBits are the lengths of the bands, from the lowest bit up.
var bandBits = [Bands]int{21, 21, 22}

// Bands cuts a hash into parts to look it up by.
func (h Hash) Bands() (bands [Bands]uint32) {
	for i, n := range bandBits {
		bands[i] = uint32(h & (1<<n - 1))
		h >>= n
	}
	return bands
}

// Around lists for each band the values to look up, the hash's own first: every
// hash within the distance has one of them in that band, for at least one band.
// Because d bits can't all be spread over the bands without one that has at most
// d/Bands of them, these are the values that differ in so many: for a distance of
// 8 about 700 of the 8 million there are.
func (h Hash) Around(distance int) (values [Bands][]uint32) {
	for i, band := range h.Bands() {
		values[i] = around(band, bandBits[i], distance/Bands)
	}
	return values
}

// around lists the values of so many bits that differ from one in at most radius.
func around(value uint32, size, radius int) []uint32 {
	near := []uint32{value}
	var flip func(value uint32, from, left int)
	flip = func(value uint32, from, left int) {
		if left == 0 {
			return
		}
		for bit := from; bit < size; bit++ {
			flipped := value ^ 1<<bit
			near = append(near, flipped)
			flip(flipped, bit+1, left-1)
		}
	}
	flip(value, 0, radius)
	return near
}
