"""Tiny tokenizers of the kinds that extractors read with: WordPiece, Unigram and bytes, nothing trained."""

import string

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from tamis_engine.compute.tokens import Tokeniser
from tamis_engine.models.spec import ChatPair, Text

CHARACTERS = string.ascii_lowercase + string.digits + string.punctuation
WORDS = "the is of in ada paris london founded lives works who where city company person ing ed".split()


def wordpiece() -> Tokenizer:
    """As BERT's: accents stripped, lower case, [CLS] a [SEP] b [SEP] with types."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    names = [*special, *CHARACTERS, *(f"##{letter}" for letter in CHARACTERS), *WORDS, "##ing", "##ed"]
    tokenizer = Tokenizer(models.WordPiece({name: at for at, name in enumerate(names)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        "[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", [("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.add_special_tokens(special)
    tokenizer.add_tokens(["[FLERT]", "<<ENT>>", "<<SEP>>"])
    return tokenizer


def unigram() -> Tokenizer:
    """As XLM-R's: words begin with U+2581, <s> a </s> </s> b </s>."""
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    pieces = [(name, 0.0) for name in special[:4]] + [("\u2581", -3.0)]
    pieces += [(letter, -4.0) for letter in CHARACTERS] + [(f"\u2581{word}", -2.0) for word in WORDS]
    tokenizer = Tokenizer(models.Unigram([*pieces, ("<mask>", 0.0)], 3, False))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    ends = [("<s>", 0), ("</s>", 2)]
    tokenizer.post_processor = processors.TemplateProcessing("<s> $A </s>", "<s> $A </s> </s> $B </s>", ends)
    tokenizer.add_special_tokens(special)
    return tokenizer


def byte_level() -> Tokenizer:
    """As Qwen's: bytes, a few merges, marks of a conversation, nothing set around a text."""
    names = [*sorted(pre_tokenizers.ByteLevel.alphabet()), "de", "\u0120d", "\u0120de"]
    merges = [("d", "e"), ("\u0120", "d"), ("\u0120d", "e")]
    tokenizer = Tokenizer(models.BPE({name: at for at, name in enumerate(names)}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.add_special_tokens([AddedToken(name, special=True) for name in ("<|im_start|>", "<|im_end|>")])
    return tokenizer


NAMED = {
    "wordpiece": {"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]"},
    "unigram": {"cls_token": "<s>", "sep_token": "</s>", "pad_token": "<pad>"},
    "byte_level": {"eos_token": "<|im_end|>"},
}
MAKERS = {"wordpiece": wordpiece, "unigram": unigram, "byte_level": byte_level}


def tokeniser(kind: str, max_tokens: int = 64, typed: bool = True, pair: ChatPair | None = None) -> Tokeniser:
    return Tokeniser(MAKERS[kind](), Text(max_tokens, pair=pair), NAMED[kind], typed)
