"""Write small model folders in hub/, as transformers, sentence-transformers,
diffusers and peft save them. The weights are random, nothing is downloaded.

    pip install torch==2.4.1 transformers==4.57.1 tokenizers==0.22.2 safetensors==0.8.0 diffusers==0.35.2 \
        peft==0.17.1 accelerate==1.10.1 sentence-transformers==5.1.2 scikit-learn==1.9.1 numpy==2.2.6 pillow==13.0.0
    python make_hub.py
"""
import os
import shutil
import tempfile

os.environ["HF_HUB_OFFLINE"] = "1"

import diffusers
import peft
import torch
import transformers as tr
from sentence_transformers import SentenceTransformer
from sentence_transformers import models as st
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

out = os.path.join(os.path.dirname(os.path.abspath(__file__)), "hub")
shutil.rmtree(out, ignore_errors=True)
TEXT = ["the quick brown fox jumps over the lazy dog", "a model is a file of numbers", "numbers do nothing by themselves"] * 4
CHATML = ("{%- for message in messages %}{{- '<|im_start|>' + message['role'] + '\\n' + message['content'] | trim + '<|im_end|>\\n' }}"
          "{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}")


def path(*parts):
    return os.path.join(out, *parts)


def wordpiece():
    t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    t.normalizer = normalizers.BertNormalizer()
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.decoder = decoders.WordPiece()
    t.train_from_iterator(TEXT, trainers.WordPieceTrainer(vocab_size=80, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]))
    t.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return t


def bpe(*special):
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.decoder = decoders.ByteLevel()
    t.train_from_iterator(TEXT, trainers.BpeTrainer(vocab_size=60, special_tokens=list(special)))
    return t


def clip(folder):
    """CLIP's tokenizer from its two files, for it takes no other."""
    t = Tokenizer(models.BPE(unk_token="<|endoftext|>", end_of_word_suffix="</w>"))
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.train_from_iterator(TEXT, trainers.BpeTrainer(vocab_size=60, special_tokens=["<|startoftext|>", "<|endoftext|>"], end_of_word_suffix="</w>"))
    return tr.CLIPTokenizer(*t.model.save(folder))


def unigram():
    t = Tokenizer(models.Unigram())
    t.pre_tokenizer = pre_tokenizers.Metaspace()
    t.decoder = decoders.Metaspace()
    t.train_from_iterator(TEXT, trainers.UnigramTrainer(vocab_size=60, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>"))
    return t


def card(name, licence, more=""):
    with open(path(name, "README.md"), "w") as f:
        f.write(f"---\nlicense: {licence}\nlibrary_name: transformers\ntags:\n- example\n{more}---\n\n# {name}\n\nRandom weights, for tests.\n")


def keep(name, model, *parts, licence="apache-2.0", **options):
    for part in parts:
        part.save_pretrained(path(name))
    model.save_pretrained(path(name), **options)
    card(name, licence)


small = {"vocab_size": 80, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 12,
         "max_position_embeddings": 16}
vision = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 12, "image_size": 8, "patch_size": 4}
decoder = {**small, "num_key_value_heads": 1, "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}
torch.manual_seed(0)

bert = tr.BertTokenizerFast(tokenizer_object=wordpiece())
keep("bert", tr.BertForMaskedLM(tr.BertConfig(**small)), bert)
keep("distilbert", tr.DistilBertForSequenceClassification(tr.DistilBertConfig(vocab_size=80, dim=8, n_layers=1, n_heads=2, hidden_dim=12,
     max_position_embeddings=16)), tr.DistilBertTokenizerFast(tokenizer_object=wordpiece()), licence="mit")
keep("electra", tr.ElectraForTokenClassification(tr.ElectraConfig(**small, embedding_size=8)), bert)
gpt = tr.GPT2TokenizerFast(tokenizer_object=bpe("<|endoftext|>"), chat_template=CHATML)
keep("gpt2", tr.GPT2LMHeadModel(tr.GPT2Config(vocab_size=80, n_embd=8, n_layer=1, n_head=2, n_positions=16, bos_token_id=0, eos_token_id=0)), gpt,
     licence="mit")
keep("gpt2-bin", tr.GPT2LMHeadModel(tr.GPT2Config(vocab_size=80, n_embd=8, n_layer=1, n_head=2, n_positions=16)), gpt, safe_serialization=False)
keep("roberta", tr.RobertaModel(tr.RobertaConfig(**small)), tr.RobertaTokenizerFast(tokenizer_object=bpe("<s>", "<pad>", "</s>", "<unk>", "<mask>")))
chat = tr.PreTrainedTokenizerFast(tokenizer_object=bpe("<s>", "</s>", "<|im_start|>", "<|im_end|>"), bos_token="<s>", eos_token="</s>",
                                  chat_template=CHATML)
llama = tr.LlamaForCausalLM(tr.LlamaConfig(**decoder))
keep("llama", llama, chat, licence="llama3.1")
keep("llama-sharded", llama, chat, max_shard_size="2KB", licence="llama3.1")
keep("mistral", tr.MistralForCausalLM(tr.MistralConfig(**decoder, head_dim=4)).to(torch.bfloat16), chat)
keep("qwen2", tr.Qwen2ForCausalLM(tr.Qwen2Config(**decoder)).half(), chat)
keep("gemma", tr.GemmaForCausalLM(tr.GemmaConfig(**decoder, head_dim=4)), chat, licence="gemma")
keep("mixtral", tr.MixtralForCausalLM(tr.MixtralConfig(**decoder, num_local_experts=2)), chat)
keep("t5", tr.T5ForConditionalGeneration(tr.T5Config(vocab_size=80, d_model=8, d_kv=4, d_ff=12, num_layers=1, num_heads=2,
     decoder_start_token_id=0)), tr.T5TokenizerFast(tokenizer_object=unigram(), extra_ids=4))
image = tr.ViTImageProcessor(size={"height": 8, "width": 8})
keep("vit", tr.ViTForImageClassification(tr.ViTConfig(**vision)), image)
with tempfile.TemporaryDirectory() as folder:
    words = clip(folder)
keep("clip", tr.CLIPModel(tr.CLIPConfig(text_config={**small, "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}, vision_config=vision, projection_dim=8)),
     tr.CLIPImageProcessor(size={"shortest_edge": 8}), words, licence="mit")
keep("whisper", tr.WhisperForConditionalGeneration(tr.WhisperConfig(vocab_size=80, d_model=8, encoder_layers=1, decoder_layers=1,
     encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=12, decoder_ffn_dim=12, num_mel_bins=4, max_source_positions=8,
     max_target_positions=8, pad_token_id=1, bos_token_id=0, eos_token_id=1, decoder_start_token_id=0)),
     tr.WhisperFeatureExtractor(feature_size=4, n_fft=16, hop_length=8, chunk_length=1))
keep("wav2vec2", tr.Wav2Vec2ForCTC(tr.Wav2Vec2Config(vocab_size=32, hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
     intermediate_size=12, conv_dim=(4, 4), conv_stride=(2, 2), conv_kernel=(3, 3), num_feat_extract_layers=2, num_conv_pos_embeddings=4,
     num_conv_pos_embedding_groups=2)), tr.Wav2Vec2FeatureExtractor())

# An adapter of the model beside it.
llama.config.name_or_path = llama.name_or_path = "../llama"
peft.get_peft_model(llama, peft.LoraConfig(r=2, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM",
                                           base_model_name_or_path="../llama")).save_pretrained(path("lora"))

# Embeddings of sentences.
model = SentenceTransformer(modules=[st.Transformer(path("bert"), max_seq_length=16), st.Pooling(8), st.Dense(8, 4), st.Normalize()], device="cpu")
model.save(path("sentences"), model_name="example")
card("sentences", "apache-2.0")

# Diffusion.
unet = diffusers.UNet2DModel(sample_size=4, in_channels=1, out_channels=1, layers_per_block=1, block_out_channels=(4, 8), norm_num_groups=2,
                             down_block_types=("DownBlock2D", "AttnDownBlock2D"), up_block_types=("AttnUpBlock2D", "UpBlock2D"), attention_head_dim=4)
diffusers.DDPMPipeline(unet, diffusers.DDPMScheduler()).save_pretrained(path("ddpm"))
diffusers.StableDiffusionPipeline(
    vae=diffusers.AutoencoderKL(block_out_channels=(4,), norm_num_groups=2, latent_channels=2, sample_size=8),
    text_encoder=tr.CLIPTextModel(tr.CLIPTextConfig(**small, bos_token_id=0, eos_token_id=1, pad_token_id=1)),
    tokenizer=words,
    unet=diffusers.UNet2DConditionModel(sample_size=4, in_channels=2, out_channels=2, block_out_channels=(4,), layers_per_block=1, norm_num_groups=2,
                                        down_block_types=("CrossAttnDownBlock2D",), up_block_types=("CrossAttnUpBlock2D",), cross_attention_dim=8,
                                        attention_head_dim=2),
    scheduler=diffusers.PNDMScheduler(), safety_checker=None, feature_extractor=None, requires_safety_checker=False,
).save_pretrained(path("stable-diffusion"))
card("stable-diffusion", "other", "license_name: example-community\n")
