package vault

import (
	"testing"
	"time"
)

func TestALeaseIsRenewedAtTwoThirdsOrALittleEarlierAndNotAllAtOnce(t *testing.T) {
	seen := map[time.Duration]bool{}
	for range 1000 {
		d := due(time.Hour)
		seen[d] = true
		if d > 40*time.Minute || d < 34*time.Minute {
			t.Fatalf("due after %v, want between 34 and 40 minutes", d)
		}
	}
	if len(seen) < 900 {
		t.Errorf("%d instants of 1000, want them apart", len(seen))
	}
}

func TestWhileVaultIsAwayItIsAskedAgainBeforeTheLeaseEnds(t *testing.T) {
	for range 1000 {
		if d := soon(2*time.Second, time.Hour); d < time.Second || d > 3*time.Second {
			t.Fatalf("again after %v, want about two seconds", d)
		}
		if d := soon(2*time.Second, time.Second); d > 250*time.Millisecond {
			t.Fatalf("again after %v of the second that is left, want a quarter", d)
		}
		if d := soon(2*time.Second, time.Millisecond); d < 50*time.Millisecond {
			t.Fatalf("again after %v, want Vault to be left in peace", d)
		}
	}
}
