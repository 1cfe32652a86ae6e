"""What a request said before its school amended it; lists of those who see only their own; iwi."""

from alembic import op

revision = "0008_replies"
down_revision = "0007_requests"

# Stats NZ's classification of iwi, level 2: the first two digits are the region.
IWI = (
    ("0101", "Te Aupōuri"),
    ("0102", "Ngāti Kahu"),
    ("0103", "Ngāti Kurī"),
    ("0104", "Ngāpuhi"),
    ("0105", "Ngāpuhi ki Whaingaroa-Ngāti Kahu ki Whaingaroa"),
    ("0106", "Te Rarawa"),
    ("0107", "Ngāi Takoto"),
    ("0108", "Ngāti Wai"),
    ("0109", "Ngāti Whātua"),
    ("0110", "Te Kawerau ā Maki"),
    ("0111", "Te Uri-o-Hau"),
    ("0112", "Te Roroa"),
    ("0201", "Ngāti Hako"),
    ("0202", "Ngāti Hei"),
    ("0203", "Ngāti Maru (Hauraki)"),
    ("0204", "Ngāti Paoa"),
    ("0205", "Patukirikiri"),
    ("0206", "Ngāti Porou ki Harataunga ki Mataora"),
    ("0207", "Ngāti Pūkenga ki Waiau"),
    ("0208", "Ngāti Rāhiri Tumutumu"),
    ("0210", "Ngāti Tamaterā"),
    ("0211", "Ngāti Tara Tokanui"),
    ("0212", "Ngāti Whanaunga"),
    ("0301", "Ngāti Haua (Waikato)"),
    ("0302", "Ngāti Maniapoto"),
    ("0303", "Raukawa (Waikato)"),
    ("0304", "Waikato"),
    ("0401", "Ngāti Pikiao (Te Arawa)"),
    ("0402", "Ngāti Rangiteaorere (Te Arawa)"),
    ("0403", "Ngāti Rangitihi (Te Arawa)"),
    ("0404", "Ngāti Rangiwewehi (Te Arawa)"),
    ("0405", "Tapuika (Te Arawa)"),
    ("0406", "Tarāwhai (Te Arawa)"),
    ("0407", "Tūhourangi (Te Arawa)"),
    ("0408", "Uenuku-Kōpako (Te Arawa)"),
    ("0409", "Waitaha (Te Arawa)"),
    ("0410", "Ngāti Whakaue (Te Arawa)"),
    ("0411", "Ngāti Tūwharetoa"),
    ("0412", "Ngāti Tahu-Ngāti Whaoa (Te Arawa)"),
    ("0501", "Ngāti Pūkenga"),
    ("0502", "Ngaiterangi"),
    ("0503", "Ngāti Ranginui"),
    ("0504", "Ngāti Awa"),
    ("0505", "Ngāti Manawa"),
    ("0506", "Ngāi Tai (Tauranga Moana/Mātaatua)"),
    ("0507", "Tūhoe"),
    ("0508", "Whakatōhea"),
    ("0509", "Te Whānau-a-Apanui"),
    ("0510", "Ngāti Whare"),
    ("0601", "Ngāti Porou"),
    ("0602", "Te Aitanga-a-Māhaki"),
    ("0603", "Rongowhakaata"),
    ("0604", "Ngāi Tāmanuhiri"),
    ("0701", "Rongomaiwahine (Te Māhia)"),
    ("0702", "Ngāti Kahungunu ki Te Wairoa"),
    ("0703", "Ngāti Kahungunu ki Heretaunga"),
    ("0704", "Ngāti Kahungunu ki Wairarapa"),
    ("0705", "Ngāti Kahungunu, region not said"),
    ("0706", "Rangitāne (Te Matau-a-Māui/Wairarapa)"),
    ("0707", "Ngāti Kahungunu ki Te Whanganui-a-Orotu"),
    ("0708", "Ngāti Kahungunu ki Tamatea"),
    ("0709", "Ngāti Kahungunu ki Tamakinui a Rua"),
    ("0710", "Ngāti Pāhauwera"),
    ("0711", "Ngāti Rākaipaaka"),
    ("0801", "Te Atiawa (Taranaki)"),
    ("0802", "Ngāti Maru (Taranaki)"),
    ("0803", "Ngāti Mutunga (Taranaki)"),
    ("0804", "Ngā Rauru"),
    ("0805", "Ngā Ruahine"),
    ("0806", "Ngāti Ruanui"),
    ("0807", "Ngāti Tama (Taranaki)"),
    ("0808", "Taranaki"),
    ("0809", "Tangāhoe"),
    ("0810", "Pakakohi"),
    ("0901", "Ngāti Apa (Rangitīkei)"),
    ("0902", "Te Ati Haunui-a-Pāpārangi"),
    ("0903", "Ngāti Haua (Taumarunui)"),
    ("0904", "Ngāti Hauiti"),
    ("1001", "Te Atiawa (Te Whanganui-a-Tara)"),
    ("1002", "Muaūpoko"),
    ("1003", "Rangitāne (Manawatū)"),
    ("1004", "Ngāti Raukawa (Horowhenua/Manawatū)"),
    ("1005", "Ngāti Toarangatira (Te Whanganui-a-Tara)"),
    ("1006", "Te Atiawa ki Whakarongotai"),
    ("1007", "Ngāti Tama ki Te Upoko o Te Ika"),
    ("1008", "Ngāti Kauwhata"),
    ("1101", "Te Atiawa (Te Waipounamu)"),
    ("1102", "Ngāti Koata"),
    ("1103", "Ngāti Kuia"),
    ("1104", "Kāti Māmoe"),
    ("1105", "Moriori"),
    ("1106", "Ngāti Mutunga (Wharekauri)"),
    ("1107", "Rangitāne (Te Waipounamu)"),
    ("1108", "Ngāti Rārua"),
    ("1109", "Ngāi Tahu / Kāi Tahu"),
    ("1110", "Ngāti Tama (Te Waipounamu)"),
    ("1111", "Ngāti Toarangatira (Te Waipounamu)"),
    ("1112", "Waitaha (Te Waipounamu)"),
    ("1113", "Ngāti Apa ki Te Rā Tō"),
    ("2200", "Hapū of more than one iwi"),
)


def upgrade() -> None:
    op.execute("ALTER TABLE request ADD earlier jsonb NOT NULL DEFAULT '[]'")
    op.execute("GRANT SELECT (earlier) ON request TO cases_guest")
    op.execute("CREATE INDEX request_submitted_own ON request (tenant_id, submitted_by, submitted_at, id)")
    op.execute("CREATE INDEX request_draft_own ON request_draft (tenant_id, begun_by, saved_at, id)")
    for position, (code, label) in enumerate(IWI):
        op.execute(f"""
            INSERT INTO reference_item (list, code, starts_on, position, label)
            VALUES ('iwi', '{code}', '2026-01-01', {position}, '{label}')""")


def downgrade() -> None:
    raise NotImplementedError("what schools said before would be lost; restore from a backup")
