import pytest
import torch
from transformers.models.bert.configuration_bert import BertConfig
from transformers.models.bert.modeling_bert import BertModel

from tamis_engine.compute.attention import Run, runs, use_packed_attention

LENGTHS = [1, 7, 7, 7, 2, 33, 64, 1, 1]


@pytest.fixture
def model() -> BertModel:
    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=99,
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
        initializer_range=0.4,
    )
    return BertModel(config, add_pooling_layer=False).eval()


@torch.inference_mode()
def test_packed_sequences_equal_each_sequence_alone(model: BertModel) -> None:
    sequences = [torch.randint(99, (1, length)) for length in LENGTHS]
    alone = [model(input_ids=ids).last_hidden_state for ids in sequences]

    use_packed_attention(model)
    packed = model(
        input_ids=torch.cat(sequences, dim=1),
        token_type_ids=torch.zeros(1, sum(LENGTHS), dtype=torch.long),
        position_ids=torch.cat([torch.arange(length) for length in LENGTHS]).unsqueeze(0),
        cu_seq_lens_q=torch.tensor([0, *LENGTHS]).cumsum(0),
    ).last_hidden_state

    assert (packed - torch.cat(alone, dim=1)).abs().max() < 1e-4


def test_a_forward_call_without_bounds_is_refused(model: BertModel) -> None:
    use_packed_attention(model)
    with pytest.raises(ValueError, match="cu_seq_lens_q"):
        model(input_ids=torch.randint(99, (1, 5)))


def test_a_mask_is_refused_rather_than_ignored(model: BertModel) -> None:
    use_packed_attention(model)
    layer = model.encoder.layer[0].attention.self
    with pytest.raises(ValueError, match="neither masked"):
        layer(torch.zeros(1, 5, 32), torch.ones(1, 1, 5, 5), cu_seq_lens_q=torch.tensor([0, 5]))


def test_causal_attention_is_refused_rather_than_ignored(model: BertModel) -> None:
    use_packed_attention(model)
    layer = model.encoder.layer[0].attention.self
    layer.is_causal = True
    with pytest.raises(ValueError, match="causal"):
        layer(torch.zeros(1, 5, 32), cu_seq_lens_q=torch.tensor([0, 5]))


def test_neighbours_of_equal_length_share_a_run() -> None:
    assert runs([0, 3, 6, 10, 13]) == [Run(0, 2, 3), Run(6, 1, 4), Run(10, 1, 3)]
