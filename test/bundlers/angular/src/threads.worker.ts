import "svi-lm/threads/thread";
