# Writes golden.json beside this file: texts made by a seeded rule, and what sacreBLEU says of them.
#   pip install sacrebleu==2.6.0 && python3 test/metrics/golden.py
import json
import pathlib
import random

import sacrebleu
from sacrebleu.metrics import BLEU, CHRF

random.seed(17)
WORDS = """the The cat cats sat don't 3.5 1,204 10-20 5.x (again) "for ever" twenty-one - -- so; it's e.g. U.S. Café naïve
Ärger straße ΣΊΣΥΦΟΣ &amp; &quot;yes&quot; <skipped> <b> 日本 日本語 😀 …. ... ?! ! , a,b 1.2.3 x-1 1-x £5 50% @ # {c} ''quoted'' [d]""".split()


def sentence():
    return random.choice([" ", " ", "  "]).join(random.choices(WORDS, k=random.randrange(0, 12)))


def changed(text):
    words = text.split(" ")
    for _ in range(random.randrange(4)):
        at = random.randrange(len(words) + 1)
        words[at : at + random.randrange(2)] = random.choices(WORDS, k=random.randrange(2))
    return " ".join(words)


def case(name, hypotheses, references, settings):
    bleu = BLEU(**settings.get("bleu", {}))
    chrf = CHRF(**settings.get("chrf", {}))
    single = {**settings.get("bleu", {}), "effective_order": True}
    rows = [[text for text in row if text is not None] for row in zip(*references)]
    return {
        "name": name,
        "settings": settings,
        "hypotheses": hypotheses,
        "references": references,
        "bleu": bleu.corpus_score(hypotheses, references).score,
        "chrf": chrf.corpus_score(hypotheses, references).score,
        "sentenceBleu": [BLEU(**single).sentence_score(h, r).score for h, r in zip(hypotheses, rows)],
        "sentenceChrf": [CHRF(**settings.get("chrf", {})).sentence_score(h, r).score for h, r in zip(hypotheses, rows)],
        "signatures": [str(bleu.get_signature()), str(chrf.get_signature())],
    }


said = [sentence() for _ in range(24)]
heard = [changed(text) for text in said]
again = [changed(text) for text in said]
few = [text if i % 3 else None for i, text in enumerate(again)]
cases = [
    case("defaults", heard, [said], {}),
    case("two references", heard, [said, again], {}),
    case("lower case, chrF++", heard, [said], {"bleu": {"lowercase": True}, "chrf": {"lowercase": True, "word_order": 2}}),
    case("a floor, four characters", heard[:8], [said[:8]], {"bleu": {"smooth_method": "floor"}, "chrf": {"char_order": 4, "beta": 1}}),
    case("one added, blanks", heard[:8], [said[:8]], {"bleu": {"smooth_method": "add-k"}, "chrf": {"whitespace": True}}),
    case("nothing smoothed, words as they are", heard[:8], [said[:8]], {"bleu": {"smooth_method": "none", "tokenize": "none"}}),
    case("characters, effective order, two", heard[:8], [said[:8]], {"bleu": {"tokenize": "char", "effective_order": True, "max_ngram_order": 2}}),
    case("three words, identical", ["a red boat"], [["a red boat"]], {}),
    case("nothing in common", ["zzz yyy"], [["a red boat"]], {}),
    case("nothing heard", ["", "the cat sat on it"], [["a red boat", "the cat sat on it"]], {}),
    case("blanks and a line's end", [" the  cat \tsat on-\nit \n"], [["the cat saton it"]], {"chrf": {"word_order": 1}}),
]
cases.append(case("references that some lack", heard, [said, few], {}))
print(sacrebleu.__version__, len(cases))
out = pathlib.Path(__file__).with_name("golden.json")
out.write_text(json.dumps({"sacrebleu": sacrebleu.__version__, "cases": cases}, ensure_ascii=False, indent=1) + "\n")
