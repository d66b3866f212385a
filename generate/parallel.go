package generate

import (
	"runtime"
	"sync"
)

// perWorker is the least number of items for which another worker is started.
const perWorker = 32

// inParallel calls work for 0 … n-1 and returns the error of the lowest index.
func inParallel(n int, work func(i int) error) error {
	errs := make([]error, n)
	var group sync.WaitGroup
	workers := min(runtime.GOMAXPROCS(0), max(n/perWorker, 1))
	for w := range workers {
		group.Add(1)
		go func() {
			defer group.Done()
			for i := w; i < n; i += workers {
				errs[i] = work(i)
			}
		}()
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
