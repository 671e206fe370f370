// Lines of letters, a tab and sounds, of the CMU pronouncing dictionary: what a model of pairs learns from.
//
//     node examples/phonemes/dictionary.mjs > dictionary.tsv
//
// A word's letters are reversed: the state at a letter then knows those that follow it.
import { dictionary } from "cmu-pronouncing-dictionary";

for (const [entry, sounds] of Object.entries(dictionary)) {
  const word = entry.replace(/\(\d+\)$/, "");
  const plain = sounds.replace(/\s*#.*|\d/g, "");
  if (/^[a-z']+$/.test(word)) process.stdout.write(`${[...word].reverse().join(" ")}\t${plain}\n`);
}
