#!/usr/bin/env python3
"""Trains the small multilingual WordPiece tokenizer of fixtures/tokenizer on the sentences below.

    pip install tokenizers
    python3 tools/train_tokenizer.py [OUT]

The ids are laid out as in bert-base-multilingual-cased: 0 [PAD], 1-99 unused, 100 [UNK], 101 [CLS], 102 [SEP],
103 [MASK], then the pieces, then unused entries up to 2,000. The sentences are our own, written for this file.
"""

import pathlib
import sys

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

VOCABULARY, UNUSED = 2000, 100
SPECIAL = {"[PAD]": 0, "[UNK]": 100, "[CLS]": 101, "[SEP]": 102, "[MASK]": 103}

SENTENCES = """
Good morning everyone, coffee first and then the news! ☕
I can't believe they scored in the last minute, what a match
New video is up on my channel, link in bio
RT if you also think Mondays should be cancelled
Just finished the second season and I am not okay 😭
Thank you all for ten thousand followers, you are the best ❤️
Does anyone know a good place for ramen downtown?
The train is late again. The train is always late.
Working on something big, cannot wait to show you #comingsoon
Our concert tonight is sold out, see you there!
Who wants to play with us tonight? Reply with your name
Breaking: the storm will reach the coast on Friday morning
Happy birthday to the kindest person I know 🎂
He said he would be here at five and it is half past six
My cat knocked over the plant again and looks proud of it
If you are reading this, drink some water
Buenos días a todos, que tengan un lindo lunes
No puedo creer que ya terminó la temporada, lloré todo el capítulo
Mañana estreno mi nueva canción, gracias por el apoyo 🎶
¿Alguien sabe a qué hora empieza el partido de hoy?
Hoy comí los mejores tacos de mi vida
Feliz cumpleaños, mi amor, te quiero mucho
Vamos equipo, hoy ganamos la copa
Bom dia, gente! Quem já tomou café?
Esse jogo foi o melhor do ano, que golaço!
Saudade da praia, do sol e de não fazer nada
Obrigada por todas as mensagens, amo vocês
Hoje tem live às oito da noite, espero vocês lá
Alguém me indica uma série boa para o fim de semana?
Bonjour tout le monde, il pleut encore sur Paris
Je viens de finir ce livre et je ne m'en remets pas
Merci pour votre soutien, on se retrouve demain soir
Quel match incroyable hier soir, bravo à toute l'équipe
Qui veut venir au marché avec moi samedi matin ?
Guten Morgen, heute gibt es endlich wieder Sonne
Der Zug hat schon wieder eine halbe Stunde Verspätung
Wir suchen jemanden, der uns beim Umzug hilft
Das Spiel gestern war unglaublich, ich bin immer noch heiser
Frohe Weihnachten und einen guten Rutsch ins neue Jahr
Buongiorno a tutti, oggi si mangia la pizza
Che bella partita, forza ragazzi!
Non vedo l'ora che arrivi l'estate per andare al mare
Günaydın herkese, bugün hava çok güzel
Maçı izleyen var mı? Son dakikada gol attık
Yeni şarkım yarın çıkıyor, hepinizi seviyorum
Selamat pagi semuanya, semoga harimu menyenangkan
Ada yang tahu tempat makan enak di dekat sini?
Terima kasih banyak atas dukungan kalian semua
Aku baru selesai nonton drama itu dan aku menangis
Magandang umaga sa inyong lahat, kumain na ba kayo?
Mahal ko kayo, salamat sa walang sawang suporta
Goedemorgen allemaal, de zon schijnt eindelijk weer
Dzień dobry, kto dziś idzie na mecz?
Доброе утро, сегодня наконец-то выходной
Кто смотрел вчерашний матч? Это было невероятно
Спасибо всем за поздравления, мне очень приятно
Новая песня выйдет завтра, ждите 🎧
Добрий ранок, бажаю всім гарного дня
Καλημέρα σε όλους, σήμερα έχει ήλιο
صباح الخير يا أصدقاء، أتمنى لكم يوما سعيدا
الله يبارك فيكم، شكرا على الدعم
مباراة رائعة اليوم، مبروك للفريق
من يعرف مطعما جيدا في المدينة؟
صبح بخیر دوستان، امروز هوا خیلی خوب است
בוקר טוב לכולם, היום יום יפה
सुप्रभात दोस्तों, आज मौसम बहुत अच्छा है
आज का मैच बहुत शानदार था, भारत जीत गया
मेरा नया वीडियो आ गया है, ज़रूर देखिए
आप सभी का बहुत बहुत धन्यवाद
শুভ সকাল সবাইকে, আজ খুব গরম
காலை வணக்கம் நண்பர்களே
สวัสดีตอนเช้าทุกคน วันนี้อากาศดีมาก
ขอบคุณทุกคนมากนะ รักทุกคนเลย
おはようございます、今日もいい天気ですね
新しい動画を公開しました、ぜひ見てください
昨日の試合は本当にすごかった、まだ信じられない
お誕生日おめでとう、素敵な一年になりますように
今日のお昼はラーメンにします
フォロー＆リツイートで応募完了、抽選で十名様にプレゼント
좋은 아침이에요, 오늘도 좋은 하루 보내세요
새 노래가 내일 나와요, 많이 사랑해 주세요
어제 경기 정말 대단했어요
생일 축하해요, 항상 행복하세요
大家早上好，今天天气真好
昨天的比赛太精彩了，我到现在还不敢相信
谢谢大家的支持，明天见
新歌明天发布，请大家多多支持
Chúc mọi người buổi sáng tốt lành
Cảm ơn tất cả mọi người đã ủng hộ
""".strip().splitlines()


def assemble(vocabulary):
    """A BERT-like cased tokenizer with this vocabulary."""
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else root / "fixtures" / "tokenizer"
    out.mkdir(parents=True, exist_ok=True)

    learner = assemble({"[UNK]": 0})
    room = VOCABULARY - UNUSED - 4
    # Merges of equal count are taken in no fixed order; so many merges and few letters hide most of that.
    learner.train_from_iterator(SENTENCES, trainers.WordPieceTrainer(vocab_size=room, show_progress=False))
    pieces = sorted(learner.get_vocab(), key=lambda piece: (piece.startswith("##"), len(piece), piece))

    vocabulary = dict(SPECIAL)
    vocabulary.update({f"[unused{number}]": number for number in range(1, UNUSED)})
    for piece in pieces:
        vocabulary.setdefault(piece, len(vocabulary))
    for number in range(UNUSED, VOCABULARY):
        if len(vocabulary) < VOCABULARY:
            vocabulary[f"[unused{number}]"] = len(vocabulary)
    assert sorted(vocabulary.values()) == list(range(VOCABULARY))

    tokenizer = assemble(vocabulary)
    tokenizer.add_special_tokens(list(SPECIAL))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", SPECIAL["[CLS]"]), ("[SEP]", SPECIAL["[SEP]"])]
    )
    tokenizer.save(str(out / "tokenizer.json"))

    lengths = [len(tokenizer.encode(sentence).ids) for sentence in SENTENCES]
    unused = sum(piece.startswith("[unused") for piece in vocabulary)
    print(f"{len(SENTENCES)} sentences, {VOCABULARY - unused} entries in use, {sum(lengths) / len(lengths):.1f} tokens a sentence")


if __name__ == "__main__":
    main()
