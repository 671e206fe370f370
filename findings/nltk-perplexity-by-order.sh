#!/usr/bin/env bash
# Package: python3-nltk 3.8-1 (Debian 12), nltk.lm, with Debian's python3 and python3-regex.
# Expected: texts of random words, five a sentence of twenty words, each as likely as any other, have a perplexity of
#   20 a word, and of 20^(5/6) = 12.1 at best where the end of every sentence is predicted too: no model can do better,
#   and a model of longer n-grams, which has nothing to learn, does worse.
# Seen: with the functions that the documentation names, padded_everygram_pipeline for training and pad_both_ends for
#   the test, perplexity falls with every order, to 11.0 for 4-grams and 9.1 for 5-grams, below what is possible. A
#   sentence is padded with n - 1 marks at its end, not one, and perplexity counts them all, though n - 2 are certain
#   after the first. Of the same models the perplexity of the words and of one end a sentence, as KenLM, SRILM and
#   neural models count it, rises from 18.6 for 2-grams to 27.4 for 5-grams. The shorter the sentences, the more a
#   longer n-gram seems to gain.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
fetch() { apt-get download -qq python3-nltk=3.8-1 python3-regex=0.1.20221031-1+b1 2>/dev/null; }
fetch || { apt-get update -qq >/dev/null && fetch; }
for package in ./*.deb; do dpkg -x "$package" .; done
cat > look.py <<'PY'
from nltk.lm import WittenBellInterpolated
from nltk.lm.preprocessing import pad_both_ends, padded_everygram_pipeline
from nltk.util import ngrams

state = 1


def word():
    global state
    state = (state * 1664525 + 1013904223) % 2**32
    return "w%d" % (state * 20 >> 32)


train = [[word() for _ in range(5)] for _ in range(4000)]
test = [[word() for _ in range(5)] for _ in range(400)]
bound = 20 ** (5 / 6)
reported, counted = {}, {}
for order in range(2, 6):
    model = WittenBellInterpolated(order)
    model.fit(*padded_everygram_pipeline(order, train))
    grams = [list(ngrams(pad_both_ends(sentence, order), order)) for sentence in test]
    reported[order] = model.perplexity([gram for sentence in grams for gram in sentence])
    counted[order] = model.perplexity([gram for sentence in grams for gram in sentence[:6]])
    print(
        f"{order}-grams: perplexity {reported[order]:.2f} of {len(grams[0])} predictions a sentence, "
        f"{counted[order]:.2f} of its 5 words and its end; {bound:.2f} is the least possible"
    )
assert reported[2] == counted[2]
assert reported[2] > reported[3] > reported[4] > reported[5]
assert counted[2] < counted[3] < counted[4] < counted[5]
assert reported[4] < bound and reported[5] < bound < counted[2]
PY
PYTHONPATH="$folder/usr/lib/python3/dist-packages" /usr/bin/python3 -B look.py
