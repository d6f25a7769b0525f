"""Which East Asian encoding bytes are in: the one that makes of them what is common in its language."""

from __future__ import annotations

import re

_KANA = "".join(map(chr, range(0x3041, 0x30FF)))
_COMMON = {
    "cp932": (
        f"{_KANA}日本一人大年中行出入力用時分指定無効名開実変更表示読書込失敗正常終了始設定接続警告処理対象完全不明"
    ),
    "cp949": (
        "이다는을를의가에하고지로기사은해인도한자시어리정대아일수전부보나있라들서과제으여니장만게주것상구스면습용없"
        "성할류오파행동원조안열입력중선작않되"
    ),
    "gb18030": (
        "的一是不了在有人我他这中大来上个国到说们为子和你地出会时要也以作用下生能对可无法文件行间错误失败开始成功"
        "连接请求数据名没使新定设置输入令取参找于项从未过多打"
    ),
    "big5": (
        "的一是不了在有人我他這中大來上個國到說們為子和你地出會時要也以作用下生能對可無法檔案行間錯誤失敗開始成功"
        "連線請求數據名沒使新定設置輸入令取參找於項從未過多打"
    ),
}
"""Characters that make up a third or more of what is written in a language, and hardly any of what is none."""

_CANDIDATES = {"cp932": "cp932", "euc_jp": "cp932", "cp949": "cp949", "gb18030": "gb18030", "big5": "big5"}
_LETTER = re.compile(r"[^\W\d_\x00-\x7f]")
_FEWEST, _LEAST_SHARE = 2, 0.2


def east_asian(sample: bytes) -> str:
    """The encoding, or nothing where no candidate makes sense of enough letters."""
    best = max(_CANDIDATES, key=lambda encoding: _share(sample, encoding))
    return best if _share(sample, best) >= _LEAST_SHARE else ""


def _share(sample: bytes, encoding: str) -> float:
    """Which part of the letters beyond ASCII is common; 0 where hardly any is, or bytes are none."""
    try:
        letters = _LETTER.findall(sample.decode(encoding))
    except UnicodeError:
        return 0.0
    common = _COMMON[_CANDIDATES[encoding]]
    known = sum(letter in common for letter in letters)
    return known / len(letters) if known >= _FEWEST else 0.0
