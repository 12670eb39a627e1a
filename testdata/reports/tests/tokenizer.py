"""Makes a tokenizer of the server's words, since none is to be fetched: python -m tests.tokenizer"""
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

letters = pre_tokenizers.ByteLevel
tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))
tokenizer.pre_tokenizer = letters(add_prefix_space=False)
tokenizer.decoder = decoders.ByteLevel()
tokenizer.train_from_iterator(["the cat sat on mat and saw a dog"] * 5, trainers.BpeTrainer(
    vocab_size=400, special_tokens=["[UNK]", "[PAD]", "<s>", "</s>"], initial_alphabet=letters.alphabet()))
PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]",
                        bos_token="<s>", eos_token="</s>").save_pretrained("talker-tok")
