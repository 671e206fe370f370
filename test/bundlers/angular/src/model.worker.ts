import "svi-lm/worker/thread";
